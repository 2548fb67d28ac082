//! Many clients at once, whose server is gone and comes back.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use sio::client::{Socket, Transport};
use sio::server::{self, Io};

use crate::support::{client, soon};

const CLIENTS: usize = 2000;

/// A server in a thread of its own, which tells when clients come. It dies when `stop` is dropped, without a word to anybody.
fn serve(port: u16) -> (SocketAddr, mpsc::Receiver<Instant>, tokio::sync::oneshot::Sender<()>) {
    let (told, addr) = mpsc::channel();
    let (came, comes) = mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let io = Io::new();
            io.on_connect(async move |_: server::Socket| _ = came.send(Instant::now()));
            let listening = io.bind(("127.0.0.1", port)).await.unwrap();
            told.send(listening.local_addr().unwrap()).unwrap();
            tokio::spawn(listening.serve());
            let _ = stopped.await;
        });
    });
    (addr.recv().unwrap(), comes, stop)
}

#[tokio::test]
async fn two_thousand_clients_come_back_without_a_stampede() {
    let limit = rlimit::increase_nofile_limit(3 * CLIENTS as u64).unwrap();
    assert!(limit >= 2 * CLIENTS as u64 + 200, "too few file descriptors: {limit}");
    let (addr, _comes, stop) = serve(0);
    let mut clients: Vec<Socket> = Vec::new();
    for _ in 0..CLIENTS {
        let builder = client(addr).transports([Transport::WebSocket]);
        clients.push(soon(builder.connect()).await.unwrap());
    }
    let killed = Instant::now();
    drop(stop);
    // The first tries come half a second later at the earliest; until then there is a server again.
    let (comes, _stop) = loop {
        match std::panic::catch_unwind(|| serve(addr.port())) {
            Ok((_, comes, stop)) => break (comes, stop),
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    let counted = tokio::task::spawn_blocking(move || {
        let mut buckets = [0; 100];
        for _ in 0..CLIENTS {
            let came = comes.recv_timeout(Duration::from_secs(30)).unwrap();
            let tenth = came.duration_since(killed).as_millis() / 100;
            buckets[usize::try_from(tenth).unwrap().min(99)] += 1;
        }
        buckets
    });
    let buckets = counted.await.unwrap();
    let busiest = buckets.iter().max().unwrap();
    eprintln!("in each tenth of a second: {:?}", &buckets[..25]);
    // A second's worth of spread: a tenth of them in each tenth, if the machine keeps up.
    assert!(*busiest < CLIENTS / 4, "{buckets:?}");
    assert!(buckets.iter().filter(|count| **count > 20).count() >= 8, "{buckets:?}");
}
