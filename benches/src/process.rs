//! A program under measurement, and reading off the kernel what it cost.

use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Command, Stdio},
};

/// A process of ours; it ends with this value.
pub struct Process {
    /// The process itself.
    pub child: Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Process {
    /// Starts it.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}", command.get_program().display()));
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines: Some(lines) }
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        let lines = self.lines.as_mut().expect("lines that were not given up");
        lines.next().expect("a line, not the end of the process").unwrap()
    }

    /// Reads whatever else it prints, so that it never waits for us.
    pub fn forget_lines(&mut self) {
        let lines = self.lines.take();
        std::thread::spawn(move || lines.into_iter().flatten().for_each(drop));
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Ends it as SIGKILL does, in the middle of whatever it does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// User and system seconds so far.
    pub fn cpu(&self) -> f64 {
        cpu(self.child.id())
    }

    /// Most memory it ever had resident, in MiB.
    pub fn peak_mib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// What it read and wrote so far.
    pub fn io(&self) -> Io {
        let io = fs::read_to_string(format!("/proc/{}/io", self.child.id())).unwrap();
        let number = |name: &str| {
            let line = io.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches(':').trim().parse().unwrap()
        };
        Io { read: number("rchar"), from_disk: number("read_bytes"), written: number("wchar") }
    }
}

/// What a process read and wrote, in bytes, as `/proc/PID/io` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Io {
    /// Read by calls of the kernel, wherever from; copies that the kernel makes count too.
    pub read: u64,
    /// Read from the disk: what was in memory already is not.
    pub from_disk: u64,
    /// Written by calls of the kernel.
    pub written: u64,
}

impl Io {
    /// What came since then.
    pub fn since(self, before: Self) -> Self {
        Self {
            read: self.read - before.read,
            from_disk: self.from_disk - before.from_disk,
            written: self.written - before.written,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// User and system seconds of any process so far.
pub fn cpu(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after = stat.rsplit(')').next().unwrap();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    ticks as f64 / 100.0
}
