//! The threads of a server: they start together, are woken one by one, and end together.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use mio::{Poll, Token, Waker};
use tokio_util::sync::CancellationToken;

pub(crate) const WAKER: Token = Token(1);

/// What all of them share.
#[derive(Debug)]
pub(crate) struct Threads {
    wakes: Vec<Wake>,
    running: AtomicUsize,
    stopping: AtomicBool,
    failed: AtomicBool,
    ended: CancellationToken,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

/// Wakes one thread out of its poll. However many ask between two of its turns, it is one system call.
#[derive(Debug)]
struct Wake {
    waker: Waker,
    asked: AtomicBool,
}

impl Threads {
    /// One thread for each poll.
    pub(crate) fn new(polls: &[Poll]) -> io::Result<Arc<Self>> {
        let wake = |poll: &Poll| {
            let waker = Waker::new(poll.registry(), WAKER)?;
            Ok(Wake { waker, asked: AtomicBool::new(false) })
        };
        Ok(Arc::new(Self {
            wakes: polls.iter().map(wake).collect::<io::Result<_>>()?,
            running: AtomicUsize::new(polls.len()),
            stopping: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            ended: CancellationToken::new(),
            handles: Mutex::default(),
        }))
    }

    /// Lets a thread take another turn. Put into its queue first what it is to find.
    pub(crate) fn wake(&self, thread: usize) {
        let Some(wake) = self.wakes.get(thread) else { return };
        if !wake.asked.swap(true, Ordering::AcqRel)
            && let Err(error) = wake.waker.wake()
        {
            tracing::error!(%error, "cannot wake a media thread");
        }
    }

    /// The same for the last one: it has the ports of all.
    pub(crate) fn wake_last(&self) {
        self.wake(self.wakes.len().saturating_sub(1));
    }

    /// To be called by a thread after its poll, before it looks into its queues: what comes from now on wakes it again.
    pub(crate) fn heard(&self, thread: usize) {
        if let Some(wake) = self.wakes.get(thread) {
            wake.asked.swap(false, Ordering::AcqRel);
        }
    }

    /// Tells all threads to end.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        (0..self.wakes.len()).for_each(|thread| self.wake(thread));
    }

    /// Whether they are to end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Waits until all have ended; true if one failed.
    pub(crate) async fn ended(&self) -> bool {
        self.ended.cancelled().await;
        self.failed.load(Ordering::Acquire)
    }

    /// Collects what has ended. Only after [`Threads::ended`]: then it does not block.
    pub(crate) fn join(&self) {
        let handles = std::mem::take(&mut *self.handles.lock().unwrap_or_else(PoisonError::into_inner));
        handles.into_iter().for_each(|handle| _ = handle.join());
    }

    /// Starts one of the threads. A panic or an error ends it and all others, not the process: it is reported, and
    /// [`Threads::ended`] tells the one who can restart.
    pub(crate) fn spawn<T: Send + 'static>(
        self: &Arc<Self>,
        name: &str,
        mut state: T,
        run: fn(&mut T) -> io::Result<()>,
    ) -> io::Result<()> {
        let threads = Arc::clone(self);
        let handle = Builder::new().name(name.to_owned()).spawn(move || {
            let result = std::panic::catch_unwind(AssertUnwindSafe(|| run(&mut state)));
            let trouble = match result {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(panic) => {
                    let text = panic.downcast_ref::<String>().map(String::as_str);
                    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown reason");
                    Some(format!("panic: {text}"))
                }
            };
            if let Some(trouble) = trouble {
                threads.failed.store(true, Ordering::Release);
                tracing::error!(trouble, "a media thread ended; all calls are interrupted");
            }
            // Queues and sockets go first, so that who sees the token finds the ports free.
            drop(state);
            threads.stop();
            if threads.running.fetch_sub(1, Ordering::AcqRel) == 1 {
                threads.ended.cancel();
            }
        })?;
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    type Run = fn(&mut (Arc<Threads>, Poll)) -> io::Result<()>;

    fn start(runs: &[Run]) -> Arc<Threads> {
        let polls: Vec<Poll> = runs.iter().map(|_| Poll::new().unwrap()).collect();
        let threads = Threads::new(&polls).unwrap();
        for (run, poll) in runs.iter().zip(polls) {
            threads.spawn("test", (Arc::clone(&threads), poll), *run).unwrap();
        }
        threads
    }

    /// Sleeps in its poll until it is told to end.
    fn serve((threads, poll): &mut (Arc<Threads>, Poll)) -> io::Result<()> {
        while !threads.is_stopping() {
            poll.poll(&mut mio::Events::with_capacity(4), Some(Duration::from_secs(60)))?;
        }
        Ok(())
    }

    /// The end of one is the end of all, a panic or an error is told, and what each owned is gone by then.
    #[tokio::test]
    async fn the_end_is_told_with_its_reason() {
        let cases: [(Run, bool); 3] =
            [(|_| Ok(()), false), (|_| Err(io::Error::other("poll")), true), (|_| panic!("on purpose"), true)];
        for (run, expected) in cases {
            for others in [&[][..], &[serve as Run, serve as Run]] {
                let threads = start(&[&[run], others].concat());
                assert_eq!(threads.ended().await, expected);
                threads.join();
                assert_eq!(Arc::strong_count(&threads), 1);
            }
        }
    }

    /// However often it is asked, a thread wakes for what came after its last look.
    #[test]
    fn nobody_sleeps_through() {
        let mut poll = Poll::new().unwrap();
        let threads = Threads::new(std::slice::from_ref(&poll)).unwrap();
        let mut woken = || {
            let mut events = mio::Events::with_capacity(4);
            poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
            let woken = !events.is_empty();
            threads.heard(0);
            woken
        };
        assert!(!woken());
        threads.wake(0);
        threads.wake(0);
        assert_eq!((woken(), woken()), (true, false));
        threads.wake(0);
        assert!(woken());
    }
}
