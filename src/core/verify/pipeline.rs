//! Worker threads prepare chunks of entries while the caller's thread folds finished ones in order.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::Stored;
use super::fold::Fold;
use super::prepare::{Keys, Prepared, prepare};

/// Entries of one chunk, once the log's first keys are known.
const CHUNK: usize = 32;
/// Chunks that one worker holds, being worked on or waiting either side.
const AHEAD: usize = 2;
/// After so many entries in a row that the source cannot read, it is given up.
const LOST_IN_A_ROW: usize = 16;

type Item = Result<Stored, String>;

struct Worker {
    jobs: SyncSender<(Vec<Item>, Keys)>,
    done: Receiver<Vec<Prepared>>,
}

pub(super) fn run(entries: impl Iterator<Item = Item>, fold: &mut Fold, progress: &mut dyn FnMut(u64)) {
    let mut source = Source { entries: entries.fuse(), lost: 0 };
    let keep = fold.keeps();
    // The first entry alone: it brings the keys that nearly all others need.
    for prepared in prepare(source.chunk(1), &fold.keys(), keep) {
        fold.take(prepared);
    }
    let count = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<Worker> = (0..count)
            .map(|_| {
                let (jobs, taken) = sync_channel::<(Vec<Item>, Keys)>(AHEAD);
                let (give, done) = sync_channel(AHEAD);
                scope.spawn(move || {
                    for (items, keys) in taken {
                        if give.send(prepare(items, &keys, keep)).is_err() {
                            return;
                        }
                    }
                });
                Worker { jobs, done }
            })
            .collect();
        let (mut given, mut folded) = (0, 0);
        loop {
            while given < folded + AHEAD * count {
                let items = source.chunk(if given < count { CHUNK / 2 } else { CHUNK });
                if items.is_empty() || workers[given % count].jobs.send((items, fold.keys())).is_err() {
                    break;
                }
                given += 1;
            }
            if folded == given {
                break;
            }
            // A worker hangs up only by panicking, which the scope passes on.
            let Ok(chunk) = workers[folded % count].done.recv() else { break };
            folded += 1;
            for prepared in chunk {
                fold.take(prepared);
            }
            progress(fold.entries());
        }
    });
}

struct Source<I> {
    entries: std::iter::Fuse<I>,
    lost: usize,
}

impl<I: Iterator<Item = Item>> Source<I> {
    fn chunk(&mut self, most: usize) -> Vec<Item> {
        let mut chunk = Vec::with_capacity(most);
        while chunk.len() < most && self.lost < LOST_IN_A_ROW {
            let Some(item) = self.entries.next() else { break };
            self.lost = if item.is_err() { self.lost + 1 } else { 0 };
            chunk.push(item);
        }
        chunk
    }
}
