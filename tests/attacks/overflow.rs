//! Peers that do not read what they are sent.

use std::time::Duration;

use tokio::time::Instant;
use ws::{Config, Failure, OverflowPolicy, Prepared, Sender, TrySendError};

use crate::flood::{Flood, echo, many, warm_up};
use crate::memory::Meter;
use crate::raw::frame;

/// A connection beside what it keeps for its peer.
const SMALL: isize = 4 * 1024;

/// Sends messages of this size without end, and reads nothing.
fn greedy(len: usize) -> Flood {
    let (many, _) = many(&frame(0x82, &vec![7; len]));
    let mut peer = Flood::new([(many, usize::MAX)]);
    peer.reads = false;
    peer
}

#[tokio::test(start_paused = true)]
async fn an_echo_by_a_handler_stops_reading_and_gives_up() {
    warm_up().await;
    for len in [1, 100, 10_000, 60_000] {
        let peer = greedy(len);
        let (seen, meter, begun) = (peer.seen(), Meter::start(), Instant::now());
        let (sender, report) = peer.push(Config::default());
        assert_eq!(report.await.unwrap().failure, Some(Failure::PongTimeout));
        assert!(begun.elapsed() < Duration::from_secs(81), "{:?}", begun.elapsed());
        // One read, of which a part is echoed and the rest is kept; of messages that are sent on without a copy, all of it is.
        assert!(seen.given() <= 2 * 256 * 1024, "{len}: {}", seen.given());
        let echoed = if len < 2048 { 64 * 1024 + len as isize } else { 256 * 1024 };
        let most = 256 * 1024 + 2 * echoed + SMALL;
        assert!(meter.peak() < most, "{len}: {}", meter.peak());
        drop((sender, seen));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(meter.live() < SMALL, "{len}: {}", meter.live());
    }
}

#[tokio::test(start_paused = true)]
async fn an_echo_by_a_pulled_socket_waits_for_room_and_gives_up() {
    warm_up().await;
    for len in [1, 100, 10_000, 60_000] {
        let peer = greedy(len);
        let (meter, begun) = (Meter::start(), Instant::now());
        let failure = echo(peer.pull(Config::default())).await.unwrap_err().failure();
        assert_eq!(failure, Failure::PongTimeout);
        assert!(begun.elapsed() < Duration::from_secs(81), "{:?}", begun.elapsed());
        // What may wait, in a vector that doubles; beside the rest of one read.
        let most = 2 * (1 << 20) + 2 * len as isize + 256 * 1024 + SMALL;
        assert!(meter.peak() < most, "{len}: {}", meter.peak());
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(meter.live() < SMALL, "{len}: {}", meter.live());
    }
}

/// A hundred connections whose peers read nothing, a handler each.
fn crowd(policy: OverflowPolicy) -> Vec<(Sender, tokio::sync::oneshot::Receiver<ws::CloseReport>)> {
    let mut config = Config::default();
    config.max_buffered_bytes = 100_000;
    config.overflow = policy;
    let mute = || {
        let mut peer = Flood::new([]);
        peer.reads = false;
        peer.push(config.clone())
    };
    (0..100).map(|_| mute()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_is_refused_for_those_who_do_not_read_and_costs_each_what_may_wait() {
    warm_up().await;
    for len in [10, 1000, 5000] {
        let meter = Meter::start();
        let (crowd, news) = (crowd(OverflowPolicy::Refuse), Prepared::binary(&vec![7; len]));
        for _ in 0..=100_000 / len {
            for (sender, _) in &crowd {
                let _ = sender.try_send_prepared(&news);
            }
            tokio::task::yield_now().await;
        }
        for (sender, _) in &crowd {
            assert_eq!(sender.try_send_prepared(&news), Err(TrySendError::Full(())));
            assert!(sender.buffered_bytes() < 100_000 + len + 10);
            assert!(sender.is_open());
        }
        let each = meter.peak() / 100;
        // Small frames are copied, into a vector that doubles; of big ones only the reference is kept.
        let most = if len < 2048 { 2 * 100_000 + SMALL } else { 2 * SMALL };
        assert!(each < most, "{len}: {each}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_drops_those_who_do_not_read_if_it_is_told_so() {
    warm_up().await;
    let meter = Meter::start();
    let (crowd, news) = (crowd(OverflowPolicy::Disconnect), Prepared::binary(&[7; 1000]));
    let begun = Instant::now();
    for _ in 0..=100 {
        for (sender, _) in &crowd {
            let _ = sender.try_send_prepared(&news);
        }
        tokio::task::yield_now().await;
    }
    for (sender, report) in crowd {
        assert_eq!(sender.try_send_prepared(&news), Err(TrySendError::Closed(())));
        assert_eq!(report.await.unwrap().failure, Some(Failure::Overflow));
        assert_eq!(sender.buffered_bytes(), 0, "what waited is gone");
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    // Until the wheel has forgotten them as well.
    tokio::time::sleep(Duration::from_secs(60)).await;
    drop(news);
    assert!(meter.live() < 2 * SMALL, "{}", meter.live());
}

/// Each of them wakes up once there is room; who no longer waits must not be remembered.
#[tokio::test(start_paused = true)]
async fn those_who_gave_up_waiting_for_room_leave_nothing_behind() {
    warm_up().await;
    let mut config = Config::default();
    config.max_buffered_bytes = 1000;
    config.ping_interval = None;
    let mut peer = Flood::new([]);
    peer.reads = false;
    let (sender, _report) = peer.push(config);
    while sender.try_send(vec![0; 100]).is_ok() {}
    tokio::task::yield_now().await;
    let meter = Meter::start();
    for _ in 0..1000 {
        let waiting: Vec<_> = (0..10)
            .map(|_| {
                let sender = sender.clone();
                tokio::spawn(async move {
                    sender.send_timeout("late", Duration::from_millis(1)).await.unwrap_err();
                })
            })
            .collect();
        for task in waiting {
            task.await.unwrap();
        }
    }
    assert!(meter.live() < SMALL, "{}", meter.live());
}
