//! The page: what was measured under which circumstances, and tables.

use std::{fmt::Write as _, process::Command};

use upload_benches::{
    figures::{self, said},
    node::Keeps,
    server,
};

use crate::peers::Bench;

/// One section: each row is its name and a cell for each column.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    pub(crate) columns: &'static [&'static str],
    pub(crate) rows: Vec<(String, Vec<String>)>,
}

impl Table {
    /// Adds a row, and says so.
    pub(crate) fn row(&mut self, name: &str, cells: Vec<String>) {
        assert_eq!(cells.len(), self.columns.len(), "{}: {name}", self.name);
        let shown: Vec<_> =
            self.columns.iter().zip(&cells).map(|(is, cell)| format!("{is} {cell}")).collect();
        println!("{}: {name}: {}", self.name, shown.join("; "));
        self.rows.push((name.to_owned(), cells));
    }

    fn section(&self) -> String {
        let mut out = format!(
            "\n## {}\n\n{}\n\n| | {} |\n|---|{}\n",
            self.name,
            self.text,
            self.columns.join(" | "),
            "---|".repeat(self.columns.len())
        );
        for (name, cells) in &self.rows {
            let _ = writeln!(out, "| {name} | {} |", cells.join(" | "));
        }
        out
    }
}

pub(crate) struct Report {
    /// What the page begins with.
    head: String,
    pub(crate) tables: Vec<Table>,
}

impl Report {
    /// Before anything runs: what else the machine does counts too.
    pub(crate) fn new(bench: &Bench) -> Self {
        let peer = match &bench.node {
            Ok(node) => {
                format!("{} on Node {}, as they come", Keeps::Files.packages().join(" over "), node.version)
            }
            Err(why) => format!("**@tus/server was not measured: {why}**"),
        };
        let run = if bench.quick {
            "**This is a quick run (`-- --quick`), to see that it runs: an eighth of the loads that the titles name, a quarter of \
             the faults, one turn without warming up. Its figures are no measurement.**\n\n"
        } else {
            ""
        };
        let on = said(Command::new("df").args(["--output=fstype"]).arg(server::base()));
        let on = on.and_then(|said| Some(said.lines().last()?.trim().to_owned()));
        let head = format!(
            "# Benchmarks of tus 1.0\n\n{run}\
             Written by `cargo build --release -p upload-examples --bin upload-server && cargo run --release -p upload-benches --bin \
             tus` on {}, {}, load of the machine before it {} (`-- --help` for less than all of it). The load and the server share \
             the machine and its cores, over loopback; the data is on {}. CPU is user and system time of the server, memory the \
             most that it ever had resident (VmHWM); GB is 10^9 bytes. On a virtual machine trust ratios of 1.3 and more.\n\n\
             The peer: {peer}. Everybody gets the same requests and the same bytes.\n\n\
             Durability: `request` answers a PATCH when its bytes and their record would survive loss of power; `none` and \
             @tus/server leave that to the page cache, and survive the end of the process. Only upload-server computes the SHA-256 of \
             the content, unless the row says *no SHA-256*: such a row with `none` does what @tus/server does.\n",
            figures::date(),
            figures::machine(),
            figures::load(),
            on.unwrap_or_else(|| "an unknown file system".to_owned()),
        );
        Self { head, tables: Vec::new() }
    }

    pub(crate) fn page(&self) -> String {
        self.tables.iter().fold(self.head.clone(), |page, table| page + &table.section())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_its_columns_and_rows() {
        let mut table =
            Table { name: "Speed", text: "Of all.".to_owned(), columns: &["GB/s", "peak MiB"], rows: vec![] };
        table.row("one", vec!["0.50".to_owned(), "7".to_owned()]);
        let report = Report { head: "# All\n".to_owned(), tables: vec![table] };
        let page =
            "# All\n\n## Speed\n\nOf all.\n\n| | GB/s | peak MiB |\n|---|---|---|\n| one | 0.50 | 7 |\n";
        assert_eq!(report.page(), page);
    }
}
