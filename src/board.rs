//! The live board: the current race as a leaderboard, redrawn in place on a terminal; a line now
//! and then elsewhere.
//!
//! What a race looks like is a pure function ([`lines`]); this file only decides when it is drawn.
//! It is drawn between slices, when nothing is measured.

use std::time::Duration;

use deadheat_core::{
    clock,
    race::Progress,
    record::Race,
    stats::{Topic, summary},
};

use crate::{output, plan::words};

mod lines;
mod span;

pub(crate) use self::lines::lines;
use self::span::Line;

/// Between two drawings of the progress line.
const PAUSE: Duration = Duration::from_millis(250);

/// Blocks between two lines where there is no terminal.
const EVERY: usize = 4;

/// Which race of the run is on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    /// From 0.
    pub(crate) index: usize,
    /// Races of the run.
    pub(crate) of: usize,
    /// Blocks of this race.
    pub(crate) blocks: usize,
}

impl Course {
    /// How much of the race is done, from 0 to 1.
    pub(crate) fn share(&self, race: &Race, progress: Progress) -> f64 {
        let part = match progress {
            Progress::Slice { done, of } if of > 0 => done as f64 / of as f64,
            _ => 0.0,
        };
        ((race.blocks.len() as f64 + part) / self.blocks.max(1) as f64).min(1.0)
    }
}

/// Where progress is shown.
#[derive(Debug)]
pub(crate) struct Screen {
    /// Lines that are drawn now, to be drawn over.
    drawn: usize,
    /// The leaderboard as of the last block.
    board: Vec<Line>,
    next: u64,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self { drawn: 0, board: Vec::new(), next: 0 }
    }

    /// Shows how far a race is.
    pub(crate) fn show(
        &mut self,
        race: &Race,
        course: &Course,
        progress: Progress,
        left: Duration,
    ) {
        match (output::canvas(), progress) {
            (Some((width, height)), _) => {
                if progress == Progress::Block && race.blocks.len() > 1 {
                    self.board = lines(race, &summary(race));
                }
                let now = clock::now();
                if progress == Progress::Block || now >= self.next {
                    self.next = now + clock::nanos(PAUSE);
                    self.draw(&[bar(race, course, progress, left)], width, height);
                }
            }
            (None, Progress::Started) => {
                let (race_number, shape) = (course.index + 1, &race.shape);
                output::note(format_args!(
                    "race {race_number}/{}: {}, {} × {}",
                    course.of, race.id, shape.blocks, shape.rounds
                ));
            }
            (None, Progress::Block) if race.blocks.len().is_multiple_of(EVERY) => {
                let (done, of) = (race.blocks.len(), course.blocks);
                output::note(format_args!("  block {done}/{of}, about {} left", words(left)));
            }
            (None, _) => {}
        }
    }

    /// Leaves a line about a race that has ended.
    pub(crate) fn finish(&mut self, race: &Race) {
        self.clear();
        self.board.clear();
        let summary = summary(race);
        let sentences = summary.sentences();
        let said = sentences.iter().find(|s| matches!(s.topic, Topic::Validity | Topic::Lead));
        let said = said.map_or("no numbers", |sentence| &sentence.text);
        output::note(format_args!("{}: {said}", race.id));
    }

    /// Takes the board away, so that something else can be printed.
    pub(crate) fn clear(&mut self) {
        if self.drawn > 0 {
            output::draw(&format!("\x1b[{}A\r\x1b[J", self.drawn));
            self.drawn = 0;
        }
    }

    fn draw(&mut self, progress: &[Line], width: usize, height: usize) {
        let colour = output::draws_colour();
        // One column and one line are left free: a terminal that wraps or scrolls would be
        // drawn over in the wrong place.
        let room = height.saturating_sub(1);
        let board = &self.board[..self.board.len().min(room.saturating_sub(progress.len()))];
        let lines: Vec<String> = board
            .iter()
            .chain(progress)
            .map(|line| line.render(width.saturating_sub(1), colour))
            .collect();
        let up = if self.drawn > 0 { format!("\x1b[{}A", self.drawn) } else { String::new() };
        let mut text = up + "\r";
        for line in &lines {
            text += line;
            text += "\x1b[K\n";
        }
        text += "\x1b[J";
        self.drawn = lines.len();
        output::draw(&text);
    }
}

fn bar(race: &Race, course: &Course, progress: Progress, left: Duration) -> Line {
    const CELLS: usize = 24;
    let share = course.share(race, progress);
    let full = (1..=CELLS).filter(|cell| *cell as f64 <= share * CELLS as f64).count();
    let mut line = Line::default();
    line.plain(format!("race {}/{} ", course.index + 1, course.of));
    line.bold("━".repeat(full));
    line.muted("─".repeat(CELLS - full));
    line.plain(format!(" {}  about {} left", race.id, words(left)));
    line
}
