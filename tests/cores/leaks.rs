//! Nothing of a server on threads of its own is left when it is gone: no thread, no file descriptor.

use ws::{Server, ServerConfig, Threads};

use crate::rig::{ALONE, LONG, rig};

const SERVERS: usize = 20;
const THREADS: usize = 4;

/// Threads and file descriptors of this process.
fn holdings() -> (usize, usize) {
    let count = |path: &str| std::fs::read_dir(path).unwrap().count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

/// Threads of other tests that have just ended are given the time to go.
async fn settles(most: (usize, usize)) -> (usize, usize) {
    let waited = std::time::Instant::now();
    loop {
        let now = holdings();
        if (now.0 <= most.0 && now.1 <= most.1) || waited.elapsed() > LONG {
            return now;
        }
        tokio::task::yield_now().await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn servers_that_came_and_went_leave_no_thread_and_no_descriptor() {
    let _alone = ALONE.lock().await;
    // What is there once for all of them.
    let first = rig(THREADS, true).await;
    drop(first.connect_many(10).await);
    first.handle.shutdown(LONG).await;
    drop(first);
    let before = settles((0, 0).max(holdings())).await;
    for round in 0..SERVERS {
        let rig = rig(THREADS, round % 2 == 0).await;
        let sockets = rig.connect_many(10).await;
        if round % 3 == 0 {
            drop(sockets);
            assert_eq!(rig.handle.shutdown(LONG).await, 0);
        } else {
            rig.serving.abort();
        }
    }
    for _ in 0..SERVERS {
        let mut config = ServerConfig::default();
        config.threads = Threads::Exactly(THREADS);
        drop(Server::bind_with("127.0.0.1:0", config.clone()).await.unwrap());
        let taken = Server::bind("127.0.0.1:0").await.unwrap();
        let addr = taken.local_addr().unwrap();
        assert!(Server::bind_with(addr, config).await.is_err());
    }
    // A few belong to tests that wait for their turn; a leak would be of 20 servers with 4 threads each.
    let slack = THREADS;
    let after = settles((before.0 + slack, before.1 + slack)).await;
    assert!(after.0 <= before.0 + slack && after.1 <= before.1 + slack, "{before:?} {after:?}");
}
