//! The server, in a process of its own, so that all of its memory is its own: the test's executable, started again.
//!
//! It says its address, and then answers what it is asked on its standard input, a line for a line.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use sio::server::{Config, Data, Io, Socket};

use crate::meter::Meter;
use crate::{CONNECT_TIMEOUT, PING_INTERVAL, PING_TIMEOUT, ROOMS};

/// Set in the process that is the server.
const ROLE: &str = "CROWD_SERVER";
/// What stands before its answers, among what the test harness says.
const MARK: &str = "crowd> ";

/// One room as the server sees it: how many broadcasts it has had. Locked while a socket joins or leaves, and while one is sent.
type Rooms = Arc<[Mutex<u64>]>;

/// What the test knows of the server.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// Bytes that a server has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Allocated and not freed.
    pub(crate) live: isize,
    /// What the system has given to the process.
    pub(crate) resident: isize,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "server::the_server", "--ignored", "--nocapture"])
            .env(ROLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let questions = process.stdin.take().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let addr = answer(&mut answers).parse().unwrap();
        Self { addr, process, questions, answers }
    }

    fn ask(&mut self, question: &str) -> String {
        writeln!(self.questions, "{question}").unwrap();
        answer(&mut self.answers)
    }

    /// Deliveries that were due to those who were in a room, as the server counts them.
    pub(crate) fn due(&mut self) -> u64 {
        self.ask("due").parse().unwrap()
    }

    pub(crate) fn sockets(&mut self) -> usize {
        self.ask("sockets").parse().unwrap()
    }

    pub(crate) fn memory(&mut self) -> Memory {
        let answer = self.ask("memory");
        let (live, resident) = answer.split_once(' ').unwrap();
        Memory { live: live.parse().unwrap(), resident: resident.parse().unwrap() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn answer(from: &mut impl BufRead) -> String {
    loop {
        let mut line = String::new();
        assert!(from.read_line(&mut line).unwrap() > 0, "the server has gone");
        if let Some((_, answer)) = line.split_once(MARK) {
            return answer.trim_end().to_owned();
        }
    }
}

/// Not a test: see [`Server::start`].
#[test]
#[ignore = "the other process of the tests here"]
fn the_server() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let (asks, questions) = mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if asks.send(line).is_err() {
                break;
            }
        }
        // Nobody is there any more.
        std::process::exit(0);
    });
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(serve(questions));
}

/// Serves, and broadcasts to one room after the other.
async fn serve(questions: mpsc::Receiver<String>) {
    let mut config = Config::default();
    config.connect_timeout = CONNECT_TIMEOUT;
    config.engine.ping_interval = PING_INTERVAL;
    config.engine.ping_timeout = PING_TIMEOUT;
    let io = Io::with_config(config).unwrap();
    let rooms: Rooms = (0..ROOMS).map(|_| Mutex::new(0)).collect();
    let due = Arc::new(AtomicU64::new(0));
    let (joins, leaves, owed) = (rooms.clone(), rooms.clone(), due.clone());
    io.on_connect(async move |socket: Socket| {
        let (joins, leaves, owed) = (joins.clone(), leaves.clone(), owed.clone());
        socket.on("join", async move |socket: Socket, Data(room): Data<usize>| {
            let sent = joins[room].lock().unwrap();
            assert!(socket.join(room.to_string()));
            socket.insert(*sent);
            *sent
        });
        socket.on("leave", async move |socket: Socket, Data(room): Data<usize>| {
            let sent = leaves[room].lock().unwrap();
            assert!(socket.leave(room.to_string()));
            owed.fetch_add(*sent - *socket.get::<u64>().unwrap(), Ordering::Relaxed);
            *sent
        });
    });
    let listening = io.bind("127.0.0.1:0").await.unwrap();
    let addr = listening.local_addr().unwrap();
    tokio::spawn(listening.serve());
    let meter = Meter::start();
    tell(addr);
    loop {
        for (name, room) in rooms.iter().enumerate() {
            {
                let mut sent = room.lock().unwrap();
                *sent += 1;
                io.to(name.to_string()).emit("news", *sent).unwrap();
            }
            // Its clients are served in between.
            tokio::task::yield_now().await;
        }
        for question in questions.try_iter() {
            match &*question {
                "due" => tell(due.load(Ordering::Relaxed)),
                "sockets" => tell(io.sockets().len()),
                "memory" => tell(format_args!("{} {}", meter.live(), resident())),
                other => panic!("{other}"),
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn tell(answer: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{MARK}{answer}").unwrap();
    out.flush().unwrap();
}

/// Of the process, without what its allocator only keeps. Zero where the system does not tell it in this way.
fn resident() -> isize {
    give_back();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    1024 * line.trim().trim_end_matches(" kB").parse::<isize>().unwrap()
}

/// glibc returns by itself only what is free at the end of its heap, so that one small allocation holds all before it.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_back() {
    unsafe extern "C" {
        fn malloc_trim(pad: usize) -> std::ffi::c_int;
    }
    // SAFETY: it may be called at any time, and touches only what is free.
    unsafe { malloc_trim(0) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
const fn give_back() {}
