use std::sync::atomic::AtomicUsize;
use std::sync::Barrier;

use super::*;

const THREADS_COUNT: usize = 4;
const ROUNDS_COUNT: usize = 20_000;
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(1);

#[test]
fn one_thread_at_a_time_has_the_lock_however_it_came_by_it() {
    let (lock, inside) = (Mutex::new(0usize), AtomicUsize::new(0));
    thread::scope(|scope| {
        for thread in 0..THREADS_COUNT {
            let (lock, inside) = (&lock, &inside);
            scope.spawn(move || {
                for round in 0..ROUNDS_COUNT {
                    let guard = match (round + thread) % 3 {
                        0 => lock.try_lock_for(LONG),
                        1 => lock.try_lock(),
                        _ => None,
                    };
                    let mut guard = guard.unwrap_or_else(|| lock.lock());
                    assert_eq!(inside.fetch_add(1, Ordering::Relaxed), 0);
                    *guard += 1;
                    if round % 64 == 0 {
                        // The others come and wait.
                        thread::yield_now();
                    }
                    inside.fetch_sub(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(lock.into_inner(), THREADS_COUNT * ROUNDS_COUNT);
}

#[test]
fn who_has_no_time_does_not_get_a_lock_that_is_held_and_the_next_does() {
    let lock = Mutex::new(());
    let guard = lock.lock();
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(lock.try_lock().is_none());
            assert!(lock.try_lock_for(Duration::ZERO).is_none());
            assert!(lock.try_lock_for(SHORT).is_none());
            assert!(lock.try_lock_until(Instant::now() + SHORT).is_none());
        });
    });
    drop(guard);
    assert!(lock.try_lock_for(Duration::ZERO).is_some());
    drop(lock.lock());
}

#[test]
fn a_panic_leaves_the_lock_free() {
    let lock = Mutex::new(5);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _guard = lock.lock();
        panic!("a panic that this test wants");
    }));
    assert!(panicked.is_err());
    assert_eq!(*lock.try_lock().unwrap(), 5);
}

/// Threads hand a number on, each waiting for its own turn.
#[test]
fn no_notification_is_lost() {
    let (lock, changed) = (Mutex::new(0usize), Condvar::default());
    let end = THREADS_COUNT * 2000;
    thread::scope(|scope| {
        for thread in 0..THREADS_COUNT {
            let (lock, changed) = (&lock, &changed);
            scope.spawn(move || loop {
                let mut number = lock.lock();
                while *number < end && *number % THREADS_COUNT != thread {
                    if *number % 2 == 0 {
                        changed.wait(&mut number);
                    } else {
                        let until = changed.wait_until(&mut number, Instant::now() + LONG);
                        assert!(!until.timed_out());
                    }
                }
                if *number >= end {
                    return;
                }
                *number += 1;
                drop(number);
                changed.notify_all();
            });
        }
    });
    assert_eq!(*lock.lock(), end);
}

#[test]
fn one_notification_wakes_one_thread_at_least_and_all_wakes_all() {
    let (lock, changed) = (Mutex::new(0usize), Condvar::default());
    let barrier = Barrier::new(THREADS_COUNT + 1);
    thread::scope(|scope| {
        for _ in 0..THREADS_COUNT {
            scope.spawn(|| {
                let mut tokens = lock.lock();
                let none = |tokens: &mut usize| *tokens == 0;
                assert!(!changed.wait_while_for(&mut tokens, none, LONG).timed_out());
                *tokens -= 1;
                drop(tokens);
                barrier.wait();
                let mut tokens = lock.lock();
                while *tokens == 0 {
                    changed.wait(&mut tokens);
                }
            });
        }
        for _ in 0..THREADS_COUNT {
            *lock.lock() += 1;
            changed.notify_one();
        }
        barrier.wait();
        *lock.lock() = 1;
        changed.notify_all();
    });
}

/// Producers notify one consumer for each item, and consumers give up waiting all the time.
#[test]
fn who_gives_up_takes_no_notification_from_another() {
    const ITEMS_COUNT: usize = 20_000;
    let (items, arrived) = (Mutex::new((0usize, 0usize)), Condvar::new());
    thread::scope(|scope| {
        for thread in 0..THREADS_COUNT {
            let (items, arrived) = (&items, &arrived);
            scope.spawn(move || loop {
                let mut guard = items.lock();
                while guard.0 == 0 {
                    if guard.1 == ITEMS_COUNT {
                        return;
                    }
                    if thread == 0 {
                        // Never gives up, and would wait for ever for what was not passed on.
                        arrived.wait(&mut guard);
                    } else {
                        arrived.wait_until(&mut guard, Instant::now() + SHORT / 20);
                    }
                }
                guard.0 -= 1;
                guard.1 += 1;
                let is_last = guard.1 == ITEMS_COUNT;
                drop(guard);
                if is_last {
                    arrived.notify_all();
                }
            });
        }
        for item in 0..ITEMS_COUNT {
            items.lock().0 += 1;
            arrived.notify_one();
            if item % 16 == 0 {
                // The consumers run dry.
                thread::yield_now();
            }
        }
    });
    assert_eq!(*items.lock(), (0, ITEMS_COUNT));
}

#[test]
fn a_thread_that_has_been_woken_is_not_woken_again() {
    let (lock, changed) = (Mutex::new(false), Condvar::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut is_set = lock.lock();
            while !*is_set {
                changed.wait(&mut is_set);
            }
        });
        while changed.waiting_count.load(Ordering::Acquire) == 0 {
            thread::yield_now();
        }
        // It cannot go on before the lock is free.
        let mut is_set = lock.lock();
        let turn = changed.turn.value().load(Ordering::Relaxed);
        for _ in 0..3 {
            changed.notify_one();
            changed.notify_all();
        }
        assert_eq!(changed.turn.value().load(Ordering::Relaxed), turn + 1);
        *is_set = true;
    });
}

#[test]
fn a_wait_ends_with_its_time() {
    let (lock, changed) = (Mutex::new(()), Condvar::default());
    let mut guard = lock.lock();
    let limit = Instant::now() + SHORT;
    while !changed.wait_until(&mut guard, limit).timed_out() {}
    assert!(Instant::now() >= limit);
    assert!(changed.wait_until(&mut guard, limit).timed_out());
    assert!(changed.wait_while_for(&mut guard, |()| true, SHORT).timed_out());
    assert!(!changed.wait_while_for(&mut guard, |()| false, Duration::ZERO).timed_out());
    assert!(lock.try_lock().is_none(), "it is held again");
}
