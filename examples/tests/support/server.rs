//! The real server program, started and stopped.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::{client::Client, store};

/// The key of servers that are started with [`Server::start`].
pub const KEY: &str = "live-test-key";

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    /// `host:port`.
    pub address: String,
}

/// The program with these arguments, and nothing of the environment that would change what it does.
pub fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_upload-server"));
    command.args(args).env_remove("RUST_LOG");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("UPLOAD_")) {
        command.env_remove(name);
    }
    command
}

/// Runs the program to its end; kills it if it serves instead. What it prints then says so.
pub fn run(args: &[&str]) -> Output {
    let mut command = program(args);
    command.env("UPLOAD_LISTEN", "127.0.0.1:0").stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut printed = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut printed).unwrap();
    if !printed.is_empty() {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    Output { stdout: printed.into_bytes(), ..output }
}

impl Server {
    /// A server over this directory that knows [`KEY`], with further arguments.
    pub fn start(data: &Path, args: &[&str]) -> Self {
        Self::start_as(data, &[&["--api-key", KEY], args].concat())
    }

    /// A server over this directory with these arguments only.
    pub fn start_as(data: &Path, args: &[&str]) -> Self {
        Self::start_with(data, args, |command| command)
    }

    /// The same with its command changed by `prepare`.
    pub fn start_with(
        data: &Path,
        args: &[&str],
        prepare: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        Self::start_beside(data, data, args, prepare)
    }

    /// The same, with the object store of the servers over the directory `shared`.
    pub fn start_beside(
        data: &Path,
        shared: &Path,
        args: &[&str],
        prepare: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Self {
        let mut command = program(&["--data", data.to_str().unwrap()]);
        store::choose(&mut command, shared, args);
        // By environment, so that a test's flags win.
        command.args(args).envs([("UPLOAD_LISTEN", "127.0.0.1:0"), ("UPLOAD_LOG", "error")]);
        let mut child = prepare(&mut command).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        let address = first.trim_end().strip_prefix("listening on http://");
        let address = address.unwrap_or_else(|| panic!("the first line is {first:?}")).to_owned();
        Self { child, out, address }
    }

    pub fn client(&self) -> Client {
        Client::new(&self.address, KEY)
    }

    /// The table that follows the first line, up to its last line (which begins with `last`).
    pub fn table(&mut self, last: &str) -> String {
        let mut table = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.out.read_line(&mut line).unwrap(), 0, "no line {last:?} in:\n{table}");
            table.push_str(&line);
            if line.trim_start().starts_with(last) {
                return table;
            }
        }
    }

    /// As `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end.
    pub fn wait(mut self) -> ExitStatus {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        self.child.wait().unwrap()
    }

    /// Stops as a service manager does, and checks that it ends well.
    pub fn stop(self) {
        self.signal(Signal::TERM);
        let status = self.wait();
        assert!(status.success(), "{status}");
    }

    /// The most memory it has ever had, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// The memory it has now, in bytes.
    pub fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// What the kernel says of it, in bytes.
    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
