//! `ws::Server` on threads of its own: that connections spread over them, and that limits, the end and accidents are those of
//! one server.

mod ending;
mod leaks;
mod rig;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use rig::{ALONE, LONG, ask, connect, rig, rig_with};
use tokio::task::JoinSet;
use tokio::time::timeout;
use ws::server::Incoming;
use ws::{Server, ServerConfig, Threads};

fn on_threads(threads: Threads) -> ServerConfig {
    let mut config = ServerConfig::default();
    config.threads = threads;
    config
}

#[tokio::test]
async fn connections_spread_over_all_threads_and_stay_where_they_are() {
    let _alone = ALONE.lock().await;
    for push in [true, false] {
        let rig = rig(3, push).await;
        let mut sockets = rig.connect_many(150).await;
        let mut places = BTreeMap::new();
        for socket in &mut sockets {
            let place = ask(socket, "where").await.unwrap();
            assert_eq!(ask(socket, "where").await.as_ref(), Some(&place));
            *places.entry(place).or_insert(0) += 1;
        }
        // By a hash: 50 each on average, and less than 15 once in 10^9 runs.
        assert!(places.len() == 3 && places.values().all(|&count| count >= 15), "{places:?}");
        let here = format!("{:?}", std::thread::current().id());
        assert!(!places.contains_key(&here), "none is on the runtime that serves");
        drop(sockets);
        assert_eq!(rig.handle.shutdown(LONG).await, 0);
    }
}

#[tokio::test]
async fn by_default_connections_live_on_the_runtime_that_serves() {
    let _alone = ALONE.lock().await;
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let rig = rig::serve(server, true);
    let mut socket = rig.connect().await;
    let here = format!("{:?}", std::thread::current().id());
    assert_eq!(ask(&mut socket, "where").await, Some(here));
}

#[tokio::test]
async fn one_for_each_core_is_as_many_as_the_system_says() {
    let _alone = ALONE.lock().await;
    let server = Server::bind_with("127.0.0.1:0", on_threads(Threads::PerCore)).await.unwrap();
    let rig = rig::serve(server, true);
    let cores = std::thread::available_parallelism().unwrap().get();
    drop(rig.connect_many(60 * cores).await);
    assert_eq!(rig.seen.threads.lock().unwrap().len(), cores);
    assert_eq!(rig.handle.shutdown(LONG).await, 0);
}

#[tokio::test]
async fn a_broadcast_from_anywhere_reaches_the_connections_of_all_threads() {
    let _alone = ALONE.lock().await;
    let rig = rig(3, true).await;
    let mut sockets = rig.connect_many(60).await;
    let news = ws::Prepared::text("news");
    for sender in &*rig.seen.senders.lock().unwrap() {
        sender.try_send_prepared(&news).unwrap();
    }
    for socket in &mut sockets {
        let heard = timeout(LONG, socket.recv()).await.unwrap().unwrap().unwrap();
        assert_eq!(heard.as_text(), Some("news"));
    }
    assert_eq!(rig.seen.threads.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn a_panic_in_a_handler_ends_its_connection_and_no_other() {
    let _alone = ALONE.lock().await;
    for push in [true, false] {
        let mut rig = rig(2, push).await;
        let mut sockets = rig.connect_many(40).await;
        for mut unlucky in sockets.split_off(20) {
            assert_eq!(ask(&mut unlucky, "panic").await, None);
        }
        for socket in &mut sockets {
            assert_eq!(ask(socket, "still here").await.as_deref(), Some("still here"));
        }
        let _more = rig.connect_many(40).await;
        assert!(rig.threads_alive() && rig.seen.threads.lock().unwrap().len() == 2);
    }
}

#[tokio::test]
async fn the_limit_on_connections_counts_those_of_all_threads() {
    let _alone = ALONE.lock().await;
    let rig = rig_with(3, true, |config| config.max_connections = 2).await;
    let mut within = rig.connect_many(2).await;
    let mut beyond = JoinSet::new();
    for _ in 0..6 {
        beyond.spawn(connect(rig.addr));
    }
    for left in (1..=6).rev() {
        // They have had the time of many messages to be let in.
        for _ in 0..50 {
            for socket in &mut within {
                assert_eq!(ask(socket, "and?").await.as_deref(), Some("and?"));
            }
        }
        assert!(beyond.try_join_next().is_none(), "two are served, {left} wait");
        assert!(within.remove(0).close(ws::CloseCode::NORMAL, "").await.is_clean());
        let next = timeout(LONG, beyond.join_next()).await.unwrap().unwrap();
        within.push(next.unwrap().unwrap());
    }
}

/// Each thread waits for connections: none may keep the last place meanwhile.
#[tokio::test]
async fn fewer_places_than_threads_are_enough() {
    let _alone = ALONE.lock().await;
    let rig = rig_with(4, true, |config| config.max_connections = 1).await;
    for _ in 0..40 {
        let mut socket = rig.connect().await;
        assert_eq!(ask(&mut socket, "hello").await.as_deref(), Some("hello"));
    }
    assert_eq!(rig.seen.threads.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_also_between_servers_that_could_share_it() {
    let _alone = ALONE.lock().await;
    for (first, second) in [
        (Threads::Shared, Threads::Exactly(2)),
        (Threads::Exactly(2), Threads::Exactly(2)),
        (Threads::Exactly(2), Threads::Shared),
    ] {
        let server = Server::bind_with("127.0.0.1:0", on_threads(first)).await.unwrap();
        let addr = server.local_addr().unwrap();
        let error = Server::bind_with(addr, on_threads(second)).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{first:?}, {second:?}");
        // Free again as soon as it is gone, though its threads take a moment.
        drop(server);
        let mut again = Server::bind_with(addr, on_threads(second)).await;
        while again.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse) {
            tokio::task::yield_now().await;
            again = Server::bind_with(addr, on_threads(second)).await;
        }
        assert_eq!(again.unwrap().local_addr().unwrap(), addr);
    }
}

#[tokio::test]
async fn no_thread_and_no_address_are_errors() {
    let _alone = ALONE.lock().await;
    let none = Server::bind_with("127.0.0.1:0", on_threads(Threads::Exactly(0))).await;
    assert_eq!(none.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    let nowhere: &[std::net::SocketAddr] = &[];
    let nowhere = Server::bind_with(nowhere, on_threads(Threads::Exactly(2))).await;
    assert_eq!(nowhere.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    let foreign = Server::bind_with("192.0.2.1:0", on_threads(Threads::Exactly(2))).await;
    assert_eq!(foreign.unwrap_err().kind(), io::ErrorKind::AddrNotAvailable);
}

#[tokio::test]
async fn of_several_addresses_the_first_that_can_be_had_is_taken() {
    let _alone = ALONE.lock().await;
    let taken = Server::bind("127.0.0.1:0").await.unwrap();
    let addrs = [taken.local_addr().unwrap(), "127.0.0.1:0".parse().unwrap()];
    let server = Server::bind_with(&addrs[..], on_threads(Threads::Exactly(2))).await.unwrap();
    assert_ne!(server.local_addr().unwrap(), addrs[0]);
}

#[derive(Clone)]
struct Name(String);

#[tokio::test]
async fn the_hook_and_tls_work_on_every_thread() {
    let _alone = ALONE.lock().await;
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (pair.cert.pem(), pair.signing_key.serialize_pem());
    let mut config = on_threads(Threads::Exactly(2));
    let acceptor = ws::net::TlsAcceptor::from_pem(cert.as_bytes(), key.as_bytes()).unwrap();
    config.secure = Some(Arc::new(acceptor));
    let server = Server::bind_with("127.0.0.1:0", config).await.unwrap();
    let (addr, handle) = (server.local_addr().unwrap(), server.handle());
    let server = server.on_request(async |client: Incoming| {
        tokio::task::yield_now().await;
        let name = client.request().uri().query().unwrap_or_default().to_owned();
        Ok(client.accept().attach(Name(name)))
    });
    let serving = tokio::spawn(server.serve(async |mut socket: ws::WebSocket| {
        let name = socket.get::<Name>().unwrap().0.clone();
        socket.send(format!("{name} on {:?}", std::thread::current().id())).await
    }));
    let mut roots = ws::rustls::RootCertStore::empty();
    roots.add(pair.cert.der().clone()).unwrap();
    let provider = Arc::new(ws::rustls::crypto::ring::default_provider());
    let tls = ws::rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut places = BTreeMap::new();
    for _ in 0..40 {
        let url = format!("wss://localhost:{}/?ann", addr.port());
        let mut socket = ws::Client::builder(url).tls(tls.clone()).connect().await.unwrap();
        let greeting = timeout(LONG, socket.recv()).await.unwrap().unwrap().unwrap();
        let greeting = greeting.as_text().unwrap().to_owned();
        assert!(greeting.starts_with("ann on "), "{greeting}");
        *places.entry(greeting).or_insert(0) += 1;
    }
    assert_eq!(places.len(), 2, "{places:?}");
    assert_eq!(handle.shutdown(LONG).await, 0);
    timeout(LONG, serving).await.unwrap().unwrap();
}
