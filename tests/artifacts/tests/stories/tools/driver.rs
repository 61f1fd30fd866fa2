//! A driver program of an embedding face: lines of JSON in, a line of JSON out for each.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// One driver with the session that it has open.
pub(crate) struct Driver {
    child: Child,
    orders: ChildStdin,
    answers: Receiver<String>,
}

impl Driver {
    /// Starts the driver.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (orders, said) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            BufReader::new(said).lines().map_while(Result::ok).try_for_each(|it| sender.send(it))
        });
        Self { child, orders, answers }
    }

    /// Opens a session in place of the one before: `kind` is `vidm` or `vcf`.
    pub(crate) fn open(&mut self, kind: &str, settings: &Value) -> Result<Value, Value> {
        self.ask(&json!({"open": {kind: settings}}))
    }

    /// Calls a function of the session; its answer, or its error.
    pub(crate) fn call(&mut self, name: &str, arguments: Value) -> Result<Value, Value> {
        self.ask(&json!({"call": name, "arguments": arguments}))
    }

    fn ask(&mut self, order: &Value) -> Result<Value, Value> {
        writeln!(self.orders, "{order}").unwrap();
        let answer = self.answers.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("no answer to {order}: {e}"));
        let mut answer: Value = serde_json::from_str(&answer).unwrap_or_else(|e| panic!("{e}: {answer}"));
        match answer.get_mut("error") {
            Some(error) => Err(error.take()),
            None => Ok(answer["ok"].take()),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
