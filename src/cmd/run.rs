//! `run`: plan, race, report.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    mem,
    ops::ControlFlow,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use deadheat_core::{
    cell::Cell,
    clock, doctor, machine,
    race::{
        self, Plan, Progress,
        child::{PATIENCE, Processes},
    },
    record::{Kind, Outcome, Race, Record, SCHEMA, Status, Warning},
    stats::{Objective, judge},
};

use crate::{
    board::{Course, Screen},
    choice::choose,
    cli::{MessageFormat, RunArgs},
    cmd::{
        compare,
        resume::{self, Parted, Resumed},
    },
    config::{self, Outsider},
    events::Events,
    failure::{Failure, exit},
    folder::Folder,
    output,
    plan::{self, Terms},
    profile::Profile,
    program,
};

mod finish;
mod slo;
mod until;
mod warnings;

use self::until::Until;

/// How often Ctrl-C was pressed. The handler is the process's, so this is too.
static INTERRUPTS: AtomicUsize = AtomicUsize::new(0);

/// Races what the arguments say, or goes on with a run.
pub(crate) fn run(cells: &[Cell], args: &RunArgs) -> Result<u8, Failure> {
    on_interrupt();
    let mut run = match &args.results.resume {
        Some(folder) => {
            let Resumed { args, folder, record } = resume::resume(folder, args)?;
            Run::new(cells, args, Some((folder, record)))?
        }
        None => Run::new(cells, args.clone(), None)?,
    };
    let raced = match run.slo()? {
        _ if resume::is_complete(&run.plans, &run.record) => Ok(()),
        Some(objective) => run.carry(objective),
        None => run.race(),
    };
    if let Err(failure) = raced {
        // What is not on disk is told here, or nowhere.
        let _ = run.print(&run.folder.record());
        return Err(failure);
    }
    run.finish(args.results.strict)
}

/// Counts interrupts; the second one does not wait.
pub(crate) fn on_interrupt() {
    let handler = || {
        if INTERRUPTS.fetch_add(1, Relaxed) > 0 {
            std::process::exit(exit::INTERRUPTED.into());
        }
    };
    // Where there can be no handler, Ctrl-C ends the program, and what is on disk stands.
    let _ = ctrlc::set_handler(handler);
}

/// Whether the user wants it to end.
pub(crate) fn interrupted() -> bool {
    INTERRUPTS.load(Relaxed) > 0
}

/// A run from its plan to its report.
struct Run {
    args: RunArgs,
    terms: Terms,
    plans: Vec<Plan>,
    record: Record,
    folder: Folder,
    launcher: Processes,
    screen: Screen,
    events: Events,
    /// What `--baseline` names.
    baseline: Option<Record>,
    /// Warnings given before it began.
    told: Vec<Warning>,
    started: u64,
    /// Of the races in slices so far: what they were estimated to take, and what they took. Those
    /// that run alone are not calibrated, and tell nothing of these.
    sliced: [Duration; 2],
}

impl Run {
    fn new(
        cells: &[Cell],
        args: RunArgs,
        stored: Option<(Folder, Record)>,
    ) -> Result<Self, Failure> {
        let seed = match &stored {
            Some((_, record)) => record.run.seed,
            None => args.effort.seed.unwrap_or_else(random_seed),
        };
        let baseline = args.results.baseline.as_deref().map(compare::baseline).transpose()?;
        let mut terms = Terms::new(&args.effort, args.results.keep_slices, seed);
        if terms.until.is_some() && terms.profile.least_rank() == 0 {
            return Err(Failure::usage("--until: the smoke profile judges nothing"));
        }
        let reference = args.effort.reference.as_deref();
        let named = args.choice.config.as_deref();
        let (outsiders, file) = match &stored {
            Some((folder, record)) => (resume::outsiders(record)?, folder.record()),
            None => (config::read(named, cells)?, config::path(named).to_owned()),
        };
        let choice = match args.effort.slo {
            Some(_) => {
                slo::check_format(args.results.output_format)?;
                slo::arguments(args.clone())?.choice
            }
            None => args.choice.clone(),
        };
        let mut courses = choose(cells, &outsiders, &choice, terms.profile, reference)?;
        if args.effort.slo.is_some() {
            slo::place(&mut courses, &args);
        }
        let launcher = Processes::of_this_program().map_err(|error| {
            Failure::error(format!("failed to find this program's own file: {error}"))
        })?;
        let launcher = launcher.patient_for(args.effort.patience.unwrap_or(PATIENCE));
        let plans = terms.plans(&courses);
        config::check_programs(&plans, &file)?;
        let (folder, mut record) = if let Some(stored) = stored {
            if !resume::is_complete(&plans, &stored.1) {
                resume::check_program(&stored.0, &stored.1)?;
            }
            stored
        } else {
            let record = new_record(cells, &args, &terms, &outsiders);
            // What can't be written is found before anything runs.
            (Folder::create(args.results.out.as_deref(), &record)?, record)
        };
        let Parted { begun: mut plans, mut fresh, spent } = resume::part(plans, &record)?;
        let calibrating = clock::now();
        if terms.profile != Profile::Smoke && args.effort.slo.is_none() {
            calibrate(&mut fresh, &launcher);
        }
        let gone = spent + Duration::from_nanos(clock::now() - calibrating);
        terms.most = terms.most.map(|most| most.saturating_sub(gone));
        // What has begun ends as it was planned; the rest is planned around it.
        let rest = plan::total(&plans).saturating_sub(spent);
        let over = terms.most.and_then(|most| terms.cut(&mut fresh, most.saturating_sub(rest)));
        if let Some(warning) = over.filter(|_| plans.is_empty()) {
            warnings::add(&mut record.warnings, warning);
        }
        plans.extend(fresh);
        if resume::is_complete(&plans, &record) {
            output::note(format_args!(
                "{} is complete already: nothing is left to be raced, and its report follows",
                folder.path().display()
            ));
        } else {
            // As long as it runs, also when it runs again.
            record.run.ended.clear();
            if args.effort.slo.is_none() {
                plan::lines(&plans).iter().for_each(output::note);
            }
        }
        let told = warnings::announce(&plans, &record, &folder);
        let screen = Screen::new();
        let events = Events::new(args.results.message_format == MessageFormat::Json);
        events.begin(&record, &plans);
        let (started, sliced) = (clock::now(), [Duration::ZERO; 2]);
        Ok(Self {
            args,
            terms,
            plans,
            record,
            folder,
            launcher,
            screen,
            events,
            baseline,
            told,
            started,
            sliced,
        })
    }

    /// The objective of `--slo`.
    fn slo(&self) -> Result<Option<Objective>, Failure> {
        let slo = self.args.effort.slo.as_deref();
        slo.map(|text| text.parse().map_err(Failure::usage)).transpose()
    }

    /// Runs every race that is not complete. A race that fails is a result; the others go on.
    fn race(&mut self) -> Result<(), Failure> {
        for index in 0..self.plans.len() {
            if interrupted() {
                break;
            }
            self.fit_the_rest(index);
            let place = self.place_of(index);
            if self.record.races[place].status != Status::Complete {
                let before = self.elapsed();
                self.one(index, place)?;
                if self.plans[index].kind == Kind::Sliced {
                    self.sliced[0] += self.plans[index].estimate();
                    self.sliced[1] += self.elapsed().saturating_sub(before);
                }
            }
        }
        self.screen.clear();
        warnings::judge_twins(&mut self.record);
        self.record.run.interrupted = interrupted();
        self.record.run.ended = now().to_string();
        self.folder.save(&self.record)
    }

    /// Where a plan's race stands in the record.
    fn place_of(&mut self, index: usize) -> usize {
        let plan = &self.plans[index];
        let id = plan.id();
        self.record.races.iter().position(|race| race.id == id).unwrap_or_else(|| {
            self.record.races.push(race::begin(plan));
            self.record.races.len() - 1
        })
    }

    /// Fits what is left to the time that is left, where the races so far took longer than
    /// estimated, or not as long.
    fn fit_the_rest(&mut self, next: usize) {
        let Some(most) = self.terms.most.filter(|_| next > 0) else { return };
        let left = most.saturating_sub(self.elapsed());
        let [estimated, took] = self.sliced;
        let pace = slowness(took, estimated);
        let known = |plan: &Plan| self.record.races.iter().any(|race| race.id == plan.id());
        if self.plans[next..].iter().any(known) {
            return;
        }
        self.terms.cut(&mut self.plans[next..], left.div_f64(pace.max(1.0)));
    }

    /// How long a race may go on for `--until`: its own time, and its share of what is to spare.
    fn time_for(&self, index: usize) -> Option<Duration> {
        let left = self.terms.most?.saturating_sub(self.elapsed());
        let planned = plan::total(&self.plans[index..]);
        let spare = left.saturating_sub(planned).div_f64((self.plans.len() - index) as f64);
        Some(self.plans[index].estimate().min(left) + spare)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(clock::now() - self.started)
    }

    /// How much longer everything takes than estimated.
    fn pace(&self, estimated: Duration) -> f64 {
        slowness(self.elapsed(), estimated)
    }

    fn one(&mut self, index: usize, place: usize) -> Result<(), Failure> {
        let mut race = mem::take(&mut self.record.races[place]);
        let before = plan::total(&self.plans[..index]);
        let all = plan::total(&self.plans);
        let slower = self.pace(before);
        let mut unsaved = None;
        let own = self.plans[index].estimate();
        let mut plan = self.plans[index].clone();
        let time = self.time_for(index);
        let mut until =
            self.terms.until.map(|half_width| Until::begin(half_width, &mut plan, &mut race, time));
        let (record, folder) = (&mut self.record, &self.folder);
        let (screen, events) = (&mut self.screen, &mut self.events);
        let mut course =
            Course { index, of: self.plans.len(), blocks: self.plans[index].shape.blocks };
        let mut watch = |race: &mut Race, progress: Progress| {
            let mut enough = ControlFlow::Continue(());
            if let Some(until) = until.as_mut().filter(|_| progress == Progress::Block) {
                enough = until.see(race);
                course.blocks = race.shape.blocks;
            }
            let gone = before + own.mul_f64(course.share(race, progress));
            let left = all.saturating_sub(gone).mul_f64(slower);
            if progress == Progress::Block {
                // The record is whole only with the race in its place.
                mem::swap(race, &mut record.races[place]);
                unsaved = folder.save(record).err();
                mem::swap(race, &mut record.races[place]);
            }
            screen.show(race, &course, progress, left);
            events.show(race, progress, left);
            if unsaved.is_some() || interrupted() {
                return ControlFlow::Break(());
            }
            enough
        };
        let outcome = race::run(&plan, &self.launcher, &mut race, &mut watch);
        if let Err(error) = outcome {
            race.status = Status::Failed(error.to_string());
        }
        if let Some(until) = until {
            until.end(&mut race);
            // What comes next is held against what this really was.
            self.plans[index].shape.blocks = race.shape.blocks;
        }
        if self.plans[index].shape.blocks > 1 {
            let judged = judge(&race);
            (race.verdicts, race.controls) = (judged.verdicts, judged.controls);
        }
        self.screen.finish(&race);
        self.events.race_ends(&race);
        self.record.races[place] = race;
        match unsaved {
            Some(failure) => Err(failure),
            None => self.folder.save(&self.record),
        }
    }
}

/// Whether the race, or a cell of it, failed.
pub(crate) fn failed(race: &Race) -> bool {
    let mut trials = race.blocks.iter().flat_map(|block| &block.trials);
    matches!(race.status, Status::Failed(_))
        || trials.any(|trial| matches!(trial.outcome, Outcome::Failed { .. }))
}

/// Fits each plan to this machine. What is wrong here is wrong in the race, and is reported there.
fn calibrate(plans: &mut [Plan], launcher: &Processes) {
    if plans.is_empty() {
        return;
    }
    output::note("calibrating: a slice of each cell");
    for plan in plans.iter_mut().take_while(|_| !interrupted()) {
        let _ = race::calibrate(plan, launcher);
    }
}

/// How much longer something took than was estimated; what is short tells nothing.
fn slowness(took: Duration, estimated: Duration) -> f64 {
    if estimated < Duration::from_secs(3) {
        return 1.0;
    }
    (took.as_secs_f64() / estimated.as_secs_f64()).clamp(0.5, 4.0)
}

fn new_record(cells: &[Cell], args: &RunArgs, terms: &Terms, outsiders: &[Outsider]) -> Record {
    let started = now();
    let unlike = random_seed() & 0xffff;
    let mut record =
        Record { schema: SCHEMA.into(), machine: machine::here(), ..Record::default() };
    record.warnings = doctor::warnings(&record.machine);
    record.run.id = format!("{}-{unlike:04x}", started.strftime("%Y%m%dT%H%M%SZ"));
    record.run.started = started.to_string();
    record.run.command = std::env::args().collect();
    record.run.profile = terms.profile.id().into();
    record.run.seed = terms.seed;
    record.run.program = program::program();
    record.run.program.more.insert(program::OWN.into(), serde_json::json!(program::own(cells)));
    record.run.more.insert(resume::ARGS.into(), serde_json::json!(args));
    if !outsiders.is_empty() {
        record.run.more.insert(resume::OUTSIDERS.into(), serde_json::json!(outsiders));
    }
    record
}

fn now() -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// A seed short enough to be typed again.
fn random_seed() -> u64 {
    RandomState::new().build_hasher().finish() & 0xffff_ffff
}
