//! The table: what is known of each register, and how it is drawn.

use std::time::{Duration, Instant};

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Cell, Row as Drawn, Table as Grid};
use ratatui::Frame;

use super::history::History;
use super::sampler::{Reading, Sample};
use crate::arguments::Watch;
use crate::clock::{self, Zone};
use crate::number::{Form, Register};

/// How long a change stands out: long enough to be noticed.
const CHANGE_SHOWN: Duration = Duration::from_secs(2);
/// Columns between two cells.
const SPACING: u16 = 2;
/// Columns of the time of a change, and of its age: `12:34:56Z  99 min ago`.
const CHANGED_WIDTH: u16 = 22;
/// The least columns of the history, and of an error's text.
const HISTORY_WIDTH_MIN: u16 = 8;

/// What is known of all registers.
pub struct Table {
    server: String,
    interval: Duration,
    register: Register,
    form: Form,
    /// Of the clock.
    zone: Zone,
    rows: Vec<Row>,
    samples: u64,
    /// Rows above the window.
    above: usize,
}

struct Row {
    address: u64,
    /// The last value that was read.
    value: Option<u64>,
    /// Why it is not the present one.
    error: Option<String>,
    change: Option<Change>,
    history: History,
}

/// The last change of a value.
struct Change {
    at: Instant,
    /// On the clock.
    time: String,
}

impl Table {
    /// Nothing is known yet.
    pub fn new(watch: &Watch) -> Table {
        let row = |address: &u64| Row {
            address: *address,
            value: None,
            error: None,
            change: None,
            history: History::default(),
        };
        Table {
            server: watch.server.addr.clone(),
            interval: watch.interval,
            register: watch.word.register(),
            form: watch.format,
            // For people who look at it now.
            zone: watch.time.unwrap_or(Zone::Local),
            rows: watch.addresses.iter().map(row).collect(),
            samples: 0,
            above: 0,
        }
    }

    /// Takes in a sample that was taken at `now`.
    pub fn add(&mut self, sample: &Sample, now: Instant) {
        self.samples += 1;
        let time = clock::time_of_day(sample.time, self.zone);
        for (row, reading) in self.rows.iter_mut().zip(&sample.readings) {
            row.add(reading, || Change { at: now, time: time.clone() });
        }
    }

    /// Moves the window by a number of rows.
    pub fn scroll(&mut self, rows: isize) {
        self.above = self.above.saturating_add_signed(rows).min(self.rows.len() - 1);
    }

    /// Draws it as of `now`.
    pub fn draw(&mut self, frame: &mut Frame<'_>, now: Instant) {
        let layout = [Constraint::Length(1), Constraint::Min(1), Constraint::Length(1)];
        let [title, body, help] = Layout::vertical(layout).areas(frame.area());
        let text = format!("{}, every {:?}, {} samples", self.server, self.interval, self.samples);
        frame.render_widget(Line::styled(text, Modifier::BOLD), title);
        self.draw_rows(frame, body, now);
        // A row of the body is the header.
        let below = (self.rows.len() - self.above)
            .saturating_sub(usize::from(body.height.saturating_sub(1)));
        let more = match self.above + below {
            0 => String::new(),
            _ => format!("   ↑↓ {} more rows", self.above + below),
        };
        frame.render_widget(Line::styled(format!("q quits{more}"), Modifier::DIM), help);
    }

    fn draw_rows(&self, frame: &mut Frame<'_>, area: Rect, now: Instant) {
        let widths = self.widths(area.width);
        let history_width = usize::from(widths[2]);
        let draw = |row: &Row| row.draw(self.register, self.form, history_width, now);
        let titles = ["ADDRESS", "VALUE", "HISTORY", "CHANGED"];
        let grid = Grid::new(self.rows.iter().skip(self.above).map(draw), widths)
            .header(Drawn::new(titles).style(Modifier::UNDERLINED))
            .column_spacing(SPACING);
        frame.render_widget(grid, area);
    }

    /// The widths of the columns: the history has what the others leave.
    fn widths(&self, columns: u16) -> [u16; 4] {
        let width = |texts: &mut dyn Iterator<Item = String>| {
            texts.map(|text| text.len()).max().unwrap_or(0).min(usize::from(u16::MAX)) as u16
        };
        let address = width(&mut self.rows.iter().map(Row::title)).max("ADDRESS".len() as u16);
        // Room for the widest value, so that the columns stay where they are; a float has no such.
        let values = self.rows.iter().filter_map(|row| row.value).chain([0, self.register.mask()]);
        let value = width(&mut values.map(|value| self.register.show(value, self.form)));
        let value = value.max("VALUE".len() as u16);
        let others = address + value + CHANGED_WIDTH + 3 * SPACING;
        [address, value, columns.saturating_sub(others).max(HISTORY_WIDTH_MIN), CHANGED_WIDTH]
    }
}

impl Row {
    fn add(&mut self, reading: &Reading, change: impl FnOnce() -> Change) {
        self.history.add(reading.as_ref().ok().copied());
        self.error = reading.as_ref().err().cloned();
        let Ok(value) = reading else { return };
        if self.value.is_some_and(|former| former != *value) {
            self.change = Some(change());
        }
        self.value = Some(*value);
    }

    fn title(&self) -> String {
        format!("0x{:08x}", self.address)
    }

    fn draw(&self, register: Register, form: Form, width: usize, now: Instant) -> Drawn<'static> {
        let value = self.value.map_or_else(|| "?".to_owned(), |value| register.show(value, form));
        let is_new = |change: &Change| now.saturating_duration_since(change.at) < CHANGE_SHOWN;
        let style = match &self.change {
            _ if self.error.is_some() => Style::new().add_modifier(Modifier::DIM),
            Some(change) if is_new(change) => {
                Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD | Modifier::REVERSED)
            }
            _ => Style::new(),
        };
        let mut cells = vec![Cell::new(self.title()), Cell::new(value).style(style)];
        match &self.error {
            // It needs the room of the time too.
            Some(text) => cells.push(Cell::new(text.clone()).style(Color::Red).column_span(2)),
            None => {
                let bars = self.history.bars(register, form, width);
                let changed = self.change.as_ref().map_or_else(String::new, |change| {
                    format!("{}  {}", change.time, ago(now.saturating_duration_since(change.at)))
                });
                cells.extend([Cell::new(bars).style(Color::Cyan), Cell::new(changed)]);
            }
        }
        Drawn::new(cells)
    }
}

/// How long ago something was.
fn ago(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s ago"),
        seconds @ 60..6000 => format!("{} min ago", seconds / 60),
        seconds => format!("{} h ago", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use clap::Parser;
    use ratatui::backend::TestBackend;
    use ratatui::buffer::Buffer;
    use ratatui::Terminal;

    use super::*;
    use crate::arguments::{Arguments, Command};

    fn table(words: &str) -> Table {
        let words = format!("rogue-mem watch --addr board:9000 {words}");
        let arguments = Arguments::parse_from(words.split_whitespace());
        let Command::Watch(watch) = arguments.command else { panic!("{words}") };
        Table::new(&watch)
    }

    fn drawn(table: &mut Table, (columns, lines): (u16, u16), now: Instant) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(columns, lines)).unwrap();
        terminal.draw(|frame| table.draw(frame, now)).unwrap();
        terminal.backend().buffer().clone()
    }

    /// The lines, without spaces at their ends.
    fn lines(buffer: &Buffer) -> Vec<String> {
        let columns = usize::from(buffer.area.width);
        let line = |cells: &[ratatui::buffer::Cell]| {
            let text: String = cells.iter().map(ratatui::buffer::Cell::symbol).collect();
            text.trim_end().to_owned()
        };
        buffer.content().chunks(columns).map(line).collect()
    }

    fn sample(readings: Vec<Reading>) -> Sample {
        let noon: SystemTime = UNIX_EPOCH + Duration::from_secs(12 * 3600);
        Sample { time: noon, readings }
    }

    #[test]
    fn a_row_has_the_value_its_history_and_its_last_change() {
        let (start, mut table) =
            (Instant::now(), table("0x100 0x104 --width 2 --interval 0.5 --time utc"));
        for value in 1..=3 {
            table.add(&sample(vec![Ok(value), Ok(7)]), start);
        }
        let after = |seconds| start + Duration::from_secs(seconds);
        let found = drawn(&mut table, (80, 5), after(61));
        let history = 80 - 10 - 6 - 22 - 3 * 2;
        assert_eq!(
            lines(&found),
            [
                "board:9000, every 500ms, 3 samples".to_owned(),
                format!("{:<10}  {:<6}  {:<history$}  CHANGED", "ADDRESS", "VALUE", "HISTORY"),
                format!("0x00000100  0x0003  {:<history$}  12:00:00Z  1 min ago", "▁▅█"),
                "0x00000104  0x0007  ▁▁▁".to_owned(),
                "q quits".to_owned(),
            ]
        );
        let stands_out = |table: &mut Table, seconds| {
            let cell = drawn(table, (80, 5), after(seconds))[(12, 2)].clone();
            cell.modifier.contains(Modifier::REVERSED)
        };
        assert_eq!([1, 2].map(|seconds| stands_out(&mut table, seconds)), [true, false]);
    }

    #[test]
    fn a_row_that_fails_has_the_error_and_the_last_value_until_it_is_read_again() {
        let (now, mut table) = (Instant::now(), table("0 --format dec"));
        let failed = || sample(vec![Err("no answer".to_owned())]);
        table.add(&failed(), now);
        assert!(lines(&drawn(&mut table, (80, 4), now))[2].contains("?           no answer"));
        table.add(&sample(vec![Ok(41)]), now);
        table.add(&failed(), now);
        let found = drawn(&mut table, (80, 4), now);
        assert!(lines(&found)[2].contains("41          no answer"), "{found:?}");
        assert!(found[(12, 2)].modifier.contains(Modifier::DIM));
        table.add(&sample(vec![Ok(42)]), now);
        let line = &lines(&drawn(&mut table, (80, 4), now))[2];
        assert!(line.contains("42           ▁ █") && line.ends_with("0 s ago"), "{line}");
    }

    #[test]
    fn a_table_is_moved_within_its_rows_and_fits_into_any_terminal() {
        let (now, mut table) = (Instant::now(), table("0 4 8 12 --width 8 --format bin"));
        let shown = |table: &mut Table, size| lines(&drawn(table, size, now));
        assert_eq!(shown(&mut table, (80, 5))[4], "q quits   ↑↓ 2 more rows");
        table.scroll(100);
        let found = shown(&mut table, (80, 5));
        assert!(
            found[2].starts_with("0x0000000c") && found[4].ends_with("3 more rows"),
            "{found:?}"
        );
        table.scroll(-100);
        assert!(shown(&mut table, (80, 5))[2].starts_with("0x00000000"));
        for size in [(1, 1), (5, 2), (20, 3), (300, 100)] {
            shown(&mut table, size);
        }
    }

    #[test]
    fn ages_have_the_unit_that_suits_them() {
        for (seconds, text) in
            [(0, "0 s"), (59, "59 s"), (60, "1 min"), (5999, "99 min"), (7200, "2 h")]
        {
            assert_eq!(ago(Duration::from_secs(seconds)), format!("{text} ago"));
        }
    }
}
