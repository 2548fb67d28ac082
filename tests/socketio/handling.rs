//! What stands around handlers: middleware for events, who sees what is emitted, several at a time, panics, limits.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use sio::packet::{Args, Value as Any};
use sio::server::{
    Beyond, Data, DisconnectDetails, DisconnectReason, EmitError, Event, HandlerError, Io, OnPanic,
    Pass, RateLimit, Socket,
};
use tokio::sync::{Semaphore, mpsc};

use crate::peer::{Peer, configured, serve, soon};

type Log = Arc<Mutex<Vec<String>>>;

fn taken(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap())
}

#[tokio::test]
async fn an_event_passes_its_middleware_in_order_or_is_refused_and_answered() {
    let io = Io::new();
    let (log, errors) = (Log::default(), Log::default());
    let (passed, failed) = (log.clone(), errors.clone());
    io.on_error(move |_, event, error| failed.lock().unwrap().push(format!("{event}: {error}")));
    io.on_connect(async move |socket: Socket| {
        let (first, second) = (passed.clone(), passed.clone());
        socket.event_middleware(async move |Event(name): Event| {
            first.lock().unwrap().push(format!("first {name}"));
            tokio::task::yield_now().await;
            if &*name == "secret" { Err("not yours") } else { Ok(()) }
        });
        socket.event_middleware(async move |Data(Args(args)): Data<Args<Value>>| {
            second.lock().unwrap().push(format!("second {}", args.len()));
            if args.len() > 2 { Err(format!("{} are too many", args.len())) } else { Ok(()) }
        });
        socket.on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
        socket.once("secret", async || "told");
    });
    let mut peer = Peer::join(serve(&io).await).await;
    peer.asks(r#"20["add",1,2]"#, "30[3]").await;
    peer.asks(r#"21["secret"]"#, r#"31[{"error":"not yours"}]"#).await;
    peer.asks(r#"22["add",1,2,3]"#, r#"32[{"error":"3 are too many"}]"#).await;
    assert_eq!(taken(&log), ["first add", "second 2", "first secret", "first add", "second 3"]);
    assert_eq!(taken(&errors), ["secret: not yours", "add: 3 are too many"]);
}

#[tokio::test]
async fn a_middleware_may_put_another_event_in_place_of_the_one_that_came() {
    let io = Io::new();
    let errors = Log::default();
    let failed = errors.clone();
    io.on_error(move |_, event, error| failed.lock().unwrap().push(format!("{event}: {error}")));
    io.on_connect(async |socket: Socket| {
        socket.event_middleware(
            async |Event(name): Event, Data(Args(mut all)): Data<Args<Any>>| {
                Ok::<_, &str>(match &*name {
                    "alias" => Pass::event("add", (all.len(), 40)),
                    "blob" => {
                        all.push(Any::from(vec![3]));
                        Pass::event("blob", Args(all))
                    }
                    "bad" => Pass::event("disconnect", ()),
                    _ => Pass::unchanged(),
                })
            },
        );
        // The one behind sees what the one before has made of it, and so do the listeners.
        socket.event_middleware(
            async |Event(name): Event| {
                if &*name == "alias" { Err("it should be gone") } else { Ok(()) }
            },
        );
        socket.on("add", async |Data((a, b)): Data<(i64, i64)>| a + b);
        socket.on("blob", async |Data(Args(all)): Data<Args<Any>>| Args(all));
        socket.on("bad", async || "called");
    });
    let mut peer = Peer::join(serve(&io).await).await;
    peer.asks(r#"20["add",1,2]"#, "30[3]").await;
    peer.asks(r#"21["alias",7,7]"#, "31[42]").await;
    peer.send(r#"51-2["blob",{"_placeholder":true,"num":0}]"#).await;
    peer.send_binary(&[1, 2]).await;
    let answer = r#"62-2[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    assert_eq!(peer.recv().await, answer);
    assert_eq!((peer.recv_binary().await, peer.recv_binary().await), (vec![1, 2], vec![3]));
    peer.asks(r#"23["bad"]"#, r#"33[{"error":"event name \"disconnect\" is reserved"}]"#).await;
    assert_eq!(taken(&errors).len(), 1);
}

#[tokio::test]
async fn what_is_emitted_is_seen_in_order_and_may_be_refused() {
    let io = Io::new();
    let log = Log::default();
    let seen = log.clone();
    let (sender, mut sockets) = mpsc::unbounded_channel();
    io.on_connect(async move |socket: Socket| {
        let note = |what: &'static str| {
            let seen = seen.clone();
            move |event: &str, arguments: sio::packet::Arguments<'_>| {
                let Args(all) = arguments.read::<Args<Value>>().unwrap();
                seen.lock().unwrap().push(format!("{what} {event} {all:?}"));
            }
        };
        socket.on_any_outgoing(note("any"));
        let first = socket.prepend_any_outgoing(note("first"));
        socket.outgoing_middleware(|event, _| if event == "no" { Err("refused") } else { Ok(()) });
        sender.send((socket, first)).unwrap();
    });
    let mut peer = Peer::join(serve(&io).await).await;
    let (socket, first) = soon(sockets.recv()).await.unwrap();
    socket.emit("e", (1, "x")).unwrap();
    io.emit("all", ()).unwrap();
    assert!(matches!(socket.emit("no", ()), Err(EmitError::Refused(why)) if &*why == "refused"));
    io.emit("no", ()).unwrap();
    let asked = soon(io.emit_with_ack::<Value>("no", ())).await.unwrap();
    assert!(matches!(asked[0].answer, Err(EmitError::Refused(_))), "{asked:?}");
    assert!(socket.remove_outgoing_listener(first) && !socket.remove_outgoing_listener(first));
    socket.emit("end", ()).unwrap();
    for expected in [r#"2["e",1,"x"]"#, r#"2["all"]"#, r#"2["end"]"#] {
        assert_eq!(peer.recv().await, expected);
    }
    let lines = taken(&log);
    assert_eq!(lines[0], r#"first e [Number(1), String("x")]"#);
    assert_eq!(lines[1], r#"any e [Number(1), String("x")]"#);
    assert_eq!(lines.last().unwrap(), "any end []");
    assert_eq!(lines.len(), 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_events_are_handled_at_a_time_as_the_settings_say() {
    let io = configured(|config| config.handler_concurrency = 3);
    let (gate, (sender, mut started)) = (Arc::new(Semaphore::new(0)), mpsc::unbounded_channel());
    let wait = gate.clone();
    io.on_connect(async move |socket: Socket| {
        let (wait, sender) = (wait.clone(), sender.clone());
        socket.on("e", async move |Data(number): Data<u32>| {
            sender.send(number).unwrap();
            wait.acquire().await.unwrap().forget();
            number
        });
    });
    let mut peer = Peer::join(serve(&io).await).await;
    for number in 0..6 {
        peer.send(&format!(r#"2{number}["e",{number}]"#)).await;
    }
    let mut first: Vec<_> = Vec::new();
    for _ in 0..3 {
        first.push(soon(started.recv()).await.unwrap());
    }
    first.sort_unstable();
    assert_eq!(first, [0, 1, 2]);
    let socket = io.sockets().remove(0);
    while socket.queued_events() < 3 {
        tokio::task::yield_now().await;
    }
    assert!(started.try_recv().is_err(), "a fourth one was begun");
    gate.add_permits(6);
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(peer.recv().await);
    }
    answers.sort();
    assert_eq!(answers, (0..6).map(|n| format!("3{n}[{n}]")).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_panic_is_reported_and_closes_the_connection_if_the_settings_say_so() {
    for on_panic in [OnPanic::Keep, OnPanic::Disconnect] {
        let io = configured(|config| config.on_panic = on_panic);
        let (sender, mut told) = mpsc::unbounded_channel();
        let reports = sender.clone();
        io.on_error(move |_, _, error| {
            let _ = reports.send(matches!(error, HandlerError::Panicked(_)).to_string());
        });
        io.on_connect(async move |socket: Socket| {
            let sender = sender.clone();
            socket.on("panic", async || -> () { panic!("on purpose") });
            socket.on_disconnect(
                async move |reason: DisconnectReason,
                            DisconnectDetails(details): DisconnectDetails| {
                    let _ = sender.send(format!("{reason}: {details:?}"));
                },
            );
        });
        let mut peer = Peer::join(serve(&io).await).await;
        peer.send(r#"20["panic"]"#).await;
        assert_eq!(soon(told.recv()).await.unwrap(), "true");
        match on_panic {
            OnPanic::Keep => {
                assert_eq!(peer.recv().await, r#"30[{"error":"Internal error"}]"#);
                peer.asks(r#"20["panic"]"#, r#"30[{"error":"Internal error"}]"#).await;
            }
            OnPanic::Disconnect => {
                peer.is_closed().await;
                let expected = r#"forced server close: Some("a handler panicked")"#;
                assert_eq!(soon(told.recv()).await.unwrap(), expected);
            }
        }
    }
}

#[tokio::test]
async fn before_a_socket_leaves_its_rooms_it_is_told_and_others_can_be() {
    let io = Io::new();
    io.on_connect(async |socket: Socket| {
        socket.join("a");
        socket.on_disconnecting(async |socket: Socket, io: Io, reason: DisconnectReason| {
            let in_room = io.to("a").sockets().contains(&socket);
            io.to("a").emit("leaving", (in_room, socket.connected(), reason.as_str()))
        });
        socket.on_disconnect(async |socket: Socket, io: Io| {
            let in_room = io.to("a").sockets().contains(&socket);
            io.emit("left", (in_room, socket.rooms().len()))
        });
    });
    let addr = serve(&io).await;
    let (mut stays, mut leaves) = (Peer::join(addr).await, Peer::join(addr).await);
    leaves.send("1").await;
    let reason = "client namespace disconnect";
    assert_eq!(stays.recv().await, format!(r#"2["leaving",true,false,"{reason}"]"#));
    assert_eq!(stays.recv().await, r#"2["left",false,1]"#);
    leaves.send("0").await;
    leaves.granted("0").await;
}

#[tokio::test]
async fn who_sends_too_much_is_refused_or_disconnected() {
    let limit = RateLimit::new(3, Duration::from_secs(3600));
    let io = configured(|config| config.rate_limit = Some(limit));
    let (sender, mut errors) = mpsc::unbounded_channel();
    io.on_error(move |_, event, error| sender.send(format!("{event}: {error}")).unwrap());
    io.on_connect(async |socket: Socket| {
        socket.on("e", async || "handled");
        let none = RateLimit::new(0, Duration::from_secs(1)).beyond(Beyond::Disconnect);
        socket.limit_event("never", none);
    });
    let addr = serve(&io).await;
    let mut peer = Peer::join(addr).await;
    for _ in 0..3 {
        peer.asks(r#"20["e"]"#, r#"30["handled"]"#).await;
    }
    peer.asks(r#"20["e"]"#, r#"30[{"error":"too many events"}]"#).await;
    peer.send(r#"2["e"]"#).await;
    for _ in 0..2 {
        assert_eq!(soon(errors.recv()).await.unwrap(), "e: too many events");
    }
    let mut other = Peer::join(addr).await;
    other.asks(r#"20["e"]"#, r#"30["handled"]"#).await;
    other.send(r#"20["never"]"#).await;
    other.is_closed().await;
}

#[tokio::test]
async fn nesting_deeper_than_the_settings_allow_ends_the_connection() {
    let io = configured(|config| config.limits.max_depth = 4);
    io.on_connect(async |socket: Socket| {
        socket.on("e", async |Data(value): Data<Value>| value);
    });
    let mut peer = Peer::join(serve(&io).await).await;
    peer.asks(r#"20["e",[[["[[[["]]]]"#, r#"30[[[["[[[["]]]]"#).await;
    peer.send(r#"20["e",[[[[]]]]]"#).await;
    peer.is_closed().await;
}
