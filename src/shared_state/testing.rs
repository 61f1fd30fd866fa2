//! A model of a store and a clock, and every order in which a few instances may proceed, up to a number of switches.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Request, Response};

use crate::http::{HttpClient, Limits, TransportError, TransportErrorKind};
use crate::runtime::{Clock, Runtime};
use crate::store::StoreError;

/// Longer waits are time limits of calls, which never expire here.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// The world that all instances see.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) values: BTreeMap<String, Vec<u8>>,
    pub(crate) counters: BTreeMap<String, u64>,
    pub(crate) elapsed: Duration,
    pub(crate) randoms: u64,
    pub(crate) fails: bool,
}

/// One instance's runtime. Before each store call the others may proceed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    pub(crate) world: Rc<RefCell<World>>,
    pub(crate) asleep: Rc<Cell<bool>>,
}

impl Model {
    async fn step(&self) -> Result<(), StoreError> {
        let mut yielded = false;
        poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
        if self.world.borrow().fails { Err(StoreError::Failed("scripted".into())) } else { Ok(()) }
    }
}

impl HttpClient for Model {
    async fn send(&self, _: Request<Bytes>, _: &Limits) -> Result<Response<Bytes>, TransportError> {
        Err(TransportError::new(TransportErrorKind::Dns, "nothing is called"))
    }
}

impl Clock for Model {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) + self.world.borrow().elapsed
    }

    fn elapsed(&self) -> Duration {
        self.world.borrow().elapsed
    }

    async fn sleep(&self, duration: Duration) {
        // A call's time limit never expires; a pause lets time pass.
        if duration > LONGEST_PAUSE {
            return std::future::pending().await;
        }
        self.asleep.set(true);
        let mut yielded = false;
        poll_fn(|_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }).await;
        self.asleep.set(false);
        self.world.borrow_mut().elapsed += duration;
    }
}

impl crate::store::Store for Model {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.step().await?;
        Ok(self.world.borrow().values.get(key).cloned())
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.step().await?;
        self.world.borrow_mut().values.insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.step().await?;
        let mut world = self.world.borrow_mut();
        world.values.remove(key);
        world.counters.remove(key);
        Ok(())
    }

    async fn increment(&self, key: &str, by: u64) -> Result<u64, StoreError> {
        self.step().await?;
        let mut world = self.world.borrow_mut();
        let count = world.counters.entry(key.to_owned()).or_default();
        *count += by;
        Ok(*count)
    }
}

impl Runtime for Model {
    type Store = Self;

    fn store(&self) -> Option<&Self> {
        Some(self)
    }

    fn random(&self) -> u64 {
        let mut world = self.world.borrow_mut();
        world.randoms += 1;
        world.randoms
    }

    fn log(&self, _: &str) {}
}

pub(crate) type Task = Pin<Box<dyn Future<Output = ()>>>;

pub(crate) fn run(mut task: Task) {
    while task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {}
}

/// Runs all orders of the steps of `count` instances with at most `switches` switches between two that could proceed.
/// `begin` returns each one's work, `check` examines the outcome. `dies`: the first instance crashes after this many steps.
/// Returns the number of orders.
pub(crate) fn explore(
    count: usize,
    switches: usize,
    dies: Option<usize>,
    mut begin: impl FnMut(&[Model]) -> Vec<Task>,
    mut check: impl FnMut(&Model, &[(usize, usize)]),
) -> usize {
    let (mut taken, mut played): (Vec<(usize, usize)>, _) = (Vec::new(), 0);
    loop {
        let world = Rc::<RefCell<World>>::default();
        let models: Vec<_> = (0..count).map(|_| Model { world: Rc::clone(&world), ..Model::default() }).collect();
        let mut tasks: Vec<Option<Task>> = begin(&models).into_iter().map(Some).collect();
        let (mut at, mut last, mut left, mut steps) = (0, None, switches, 0);
        loop {
            let able: Vec<usize> = (0..count).filter(|at| tasks[*at].is_some()).collect();
            let Some(first) = able.first() else { break };
            // Time passes only when all others are waiting.
            let awake: Vec<_> = able.iter().copied().filter(|at| !models[*at].asleep.get()).collect();
            let mut able = if awake.is_empty() { vec![*first] } else { awake };
            if let Some(last) = last.filter(|last| able.contains(last)) {
                able.retain(|at| *at != last);
                able.insert(0, last);
                able.truncate(if left == 0 { 1 } else { count });
            }
            if taken.len() == at {
                taken.push((0, able.len()));
            }
            let choice = taken[at].0;
            left -= usize::from(choice > 0 && last.is_some_and(|last| able.contains(&last)));
            let who = able[choice];
            (at, last) = (at + 1, Some(who));
            steps += usize::from(who == 0);
            let done = tasks[who].as_mut().unwrap().as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
            if done || who == 0 && dies == Some(steps) {
                tasks[who] = None;
            }
        }
        check(&models[0], &taken);
        played += 1;
        while taken.pop_if(|(choice, options)| *choice + 1 >= *options).is_some() {}
        match taken.last_mut() {
            Some((choice, _)) => *choice += 1,
            None => return played,
        }
    }
}
