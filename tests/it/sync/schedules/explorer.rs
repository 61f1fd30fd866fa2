//! The explorer: runs all choices depth first (bounded context switches, as in CHESS, Musuvathi and Qadeer 2007).

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use super::model::World;

/// One caller's work.
pub(super) type Task = Pin<Box<dyn Future<Output = ()>>>;

/// The bounds of schedules.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) preemptions: usize,
    /// This caller crashes after this many steps, at any point.
    pub(super) dies: Option<(usize, u64)>,
}

/// The choices of one schedule: those taken, and how many there were.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    pub(super) taken: Vec<usize>,
    open: Vec<usize>,
    at: usize,
    /// The source of further choices; with zero the first one is taken.
    chance: u64,
}

impl Schedule {
    pub(crate) fn choose(&mut self, options: usize) -> usize {
        if self.at == self.taken.len() {
            // xorshift; one choice in four is not the first.
            self.chance ^= self.chance << 13;
            self.chance ^= self.chance >> 7;
            self.chance ^= self.chance << 17;
            let drawn = usize::try_from(self.chance % 1009).unwrap_or(0);
            self.taken.push(if drawn % 4 == 3 { drawn % options } else { 0 });
            self.open.push(options);
        }
        let choice = self.taken[self.at];
        self.at += 1;
        choice
    }

    /// The next schedule in depth-first order; `None` after the last.
    pub(crate) fn next(mut self) -> Option<Self> {
        while let (Some(taken), Some(open)) = (self.taken.pop(), self.open.pop()) {
            if taken + 1 < open {
                self.taken.push(taken + 1);
                self.open.push(open);
                return Some(Self { at: 0, ..self });
            }
        }
        None
    }
}

/// Runs one schedule from beginning to end: `tasks` in a world, with the choices of `schedule`.
pub(super) fn play(world: Rc<RefCell<World>>, tasks: Vec<Task>, bounds: Bounds, schedule: &mut Schedule) -> World {
    let mut tasks: Vec<Option<Task>> = tasks.into_iter().map(Some).collect();
    let mut steps_of = vec![0u64; tasks.len()];
    let mut blocked = vec![false; tasks.len()];
    let (mut last, mut preemptions) = (None::<usize>, 0);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..3000 {
        // The last task proceeds, unless it is preempted or sleeps; vIDM ending its run is a choice like any other.
        let mut able: Vec<usize> = (0..tasks.len()).filter(|at| tasks[*at].is_some() && !blocked[*at]).collect();
        let asleep = world.borrow_mut().asleep.take().filter(|asleep| able.contains(asleep));
        let goes_on = asleep.or(last).filter(|last| able.contains(last));
        if let Some(goes_on) = goes_on {
            able.retain(|at| *at != goes_on);
            // A sleeping task lets the next one proceed.
            able.insert(if asleep.is_some() { able.len() } else { 0 }, goes_on);
            if preemptions >= bounds.preemptions {
                able.truncate(1);
            }
        }
        let may_finish = preemptions < bounds.preemptions && world.borrow().runs.iter().any(|run| run.ended.is_none());
        let options = able.len() + usize::from(may_finish);
        if options == 0 {
            break;
        }
        let choice = schedule.choose(options);
        let Some(&at) = able.get(choice) else {
            world.borrow_mut().finish();
            preemptions += usize::from(choice > 0);
            continue;
        };
        preemptions = preemptions.saturating_add(usize::from(choice > 0 && goes_on.is_some()));
        last = Some(at);
        let before = world.borrow().steps;
        let mut poll = || tasks[at].as_mut().unwrap().as_mut().poll(&mut context).is_ready();
        let mut is_done = poll();
        // A task that has slept polls again, and then comes to its next step.
        for _ in 0..2 {
            is_done = is_done || (world.borrow().steps == before && poll());
        }
        let after = world.borrow().steps;
        steps_of[at] += after - before;
        let dies = bounds.dies.is_some_and(|(who, when)| who == at && steps_of[at] >= when);
        if is_done || dies {
            tasks[at] = None;
        }
        // A task without a step waits for another; any task's step may be what it waits for.
        if after > before || is_done || dies {
            blocked.iter_mut().for_each(|blocked| *blocked = false);
        } else if steps_of[at] > 0 && tasks[at].is_some() {
            blocked[at] = true;
        }
        if tasks.iter().all(Option::is_none) {
            break;
        }
    }
    drop(tasks);
    Rc::try_unwrap(world).unwrap().into_inner()
}

/// Runs all schedules; `play` runs one, and returns whether all callers were served. Returns the number of schedules, and of
/// those in which all were.
pub(super) fn explore(mut play: impl FnMut(&mut Schedule) -> bool) -> (usize, usize) {
    let (mut schedule, mut count, mut served) = (Schedule::default(), 0, 0);
    loop {
        served += usize::from(play(&mut schedule));
        count += 1;
        match schedule.next() {
            Some(next) => schedule = next,
            None => return (count, served),
        }
    }
}

/// Runs some hundred random schedules.
pub(super) fn wander(mut play: impl FnMut(&mut Schedule)) {
    for seed in 1..150u64 {
        play(&mut Schedule { chance: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15), ..Schedule::default() });
    }
}
