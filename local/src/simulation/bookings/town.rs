//! One owner with a calendar, and everybody who books, moves and cancels there: one invocation each.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use shared::{
    app::App,
    booking::{self, Desk, Repeats, Request},
    calendars::schedule_of,
    error::Result as AppResult,
    ids::OwnerId,
    range::Interval,
    schedule::{Buffers, Schedule},
    store::{bookings::Hold, connections::OwnerRows},
    tokens::Patience,
};

use super::{
    calendar::Span,
    rest::DayLimit,
    told::{Act, Attempt, Says, Told, counted},
};
use crate::simulation::{
    process::{Ended, Process},
    wires::held,
    world::World,
};

/// API Gateway waits no longer.
pub(super) const REQUEST: Duration = Duration::from_secs(29);

/// The reconciler's time-out in template.yaml.
const RUN: Duration = Duration::from_secs(60);

/// What somebody wants.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// Unlike every other one's; a repeat of the same request has the same.
    pub(super) title: String,
    pub(super) span: Span,
    pub(super) before: i64,
    pub(super) after: i64,
    /// Under which names a repeat is known: the request's own, and the wish's.
    pub(super) names: Vec<String>,
    pub(super) hold: Option<Hold>,
}

#[derive(Clone)]
pub(super) struct Town {
    pub(super) world: World,
    pub(super) owner: OwnerId,
    pub(super) wishes: Arc<Mutex<Vec<Wish>>>,
    pub(super) holds: Arc<Mutex<Vec<(Wish, Hold)>>>,
    pub(super) attempts: Arc<Mutex<Vec<Attempt>>>,
    pub(super) outcomes: Arc<Mutex<BTreeMap<&'static str, u64>>>,
    pub(super) faults: Arc<Mutex<Vec<String>>>,
    /// How many appointments the owner takes on a day.
    pub(super) limit: Option<DayLimit>,
}

impl Town {
    pub(super) async fn new(world: World) -> Result<Self, String> {
        let (_, app) = world.process("linking")?;
        let owner = world.link(&app).await?.owner;
        Ok(Self {
            world,
            owner,
            wishes: Arc::default(),
            holds: Arc::default(),
            attempts: Arc::default(),
            outcomes: Arc::default(),
            faults: Arc::default(),
            limit: None,
        })
    }

    pub(super) async fn book(&self, process: &Arc<Process>, app: &App, wish: &Wish) -> Told {
        let hold = wish.hold.as_ref().map(|hold| hold.id.to_string());
        let act = Act::Book { title: wish.title.clone(), hold };
        let work = async {
            let open = Open::of(app, &self.owner).await?;
            Box::pin(booking::book(app, open.desk(&self.owner), &wish.request())).await
        };
        self.invoke(process, act, (wish.span, wish.before, wish.after), work).await
    }

    pub(super) async fn shift(&self, process: &Arc<Process>, app: &App, id: &str, to: Span) -> Told {
        // Its buffers stay what they were; the row says them.
        let (before, after) =
            self.world.systems.books().bookings.get(id).map_or((0, 0), |b| (b.before, b.after));
        let work = async {
            let open = Open::of(app, &self.owner).await?;
            let (desk, id) = (open.desk(&self.owner), id.parse()?);
            Box::pin(booking::reschedule(app, desk, &id, interval(to), &Repeats::default())).await
        };
        self.invoke(process, Act::Move { id: id.to_owned() }, (to, before, after), work).await
    }

    pub(super) async fn cancel(&self, process: &Arc<Process>, app: &App, id: &str) -> Told {
        let work = async {
            let open = Open::of(app, &self.owner).await?;
            Box::pin(booking::cancel(app, open.desk(&self.owner), &id.parse()?)).await
        };
        let nothing = (Span { start: 0, end: 0 }, 0, 0);
        self.invoke(process, Act::Cancel { id: id.to_owned() }, nothing, work).await
    }

    /// Keeps a slot; the hold is remembered for a booking.
    pub(super) async fn hold(&self, process: &Arc<Process>, app: &App, wish: &Wish) -> Told {
        let work = async {
            let open = Open::of(app, &self.owner).await?;
            let (desk, slot) = (open.desk(&self.owner), interval(wish.span));
            let hold = Box::pin(booking::hold(app, desk, slot, wish.buffers(), None)).await?;
            held(&self.holds).push((wish.clone(), hold.clone()));
            Ok(hold)
        };
        self.invoke(process, Act::Hold, (wish.span, wish.before, wish.after), work).await
    }

    pub(super) async fn let_go(&self, process: &Arc<Process>, app: &App, hold: &Hold) -> Told {
        let work = Box::pin(booking::let_go(app, &self.owner, &hold.id));
        let nothing = (Span { start: 0, end: 0 }, 0, 0);
        self.invoke(process, Act::LetGo { id: hold.id.to_string() }, nothing, work).await
    }

    /// One run of the reconciler.
    pub(super) async fn reconcile(&self, process: &Arc<Process>, app: &App) {
        self.world.gate.tell_time(process);
        let ended = process.invoke(RUN, Box::pin(booking::reconcile(app))).await;
        match &ended {
            Ended::With(Ok(done)) => {
                let mut outcomes = held(&self.outcomes);
                *outcomes.entry("reconciled").or_default() += done.finished as u64;
                *outcomes.entry("left for a later run").or_default() += done.waiting as u64;
            }
            Ended::With(Err(_)) | Ended::Crashed => {}
            Ended::Killed => process.end(),
        }
        self.world.gate.trace(format!("{} ended {ended:?}", process.name));
    }

    /// Runs one request to its end, whatever that is, and keeps what was told.
    async fn invoke<T: Says>(
        &self,
        process: &Arc<Process>,
        act: Act,
        (span, before, after): (Span, i64, i64),
        work: impl Future<Output = AppResult<T>>,
    ) -> Told {
        let gate = &self.world.gate;
        gate.tell_time(process);
        let plain = |text: String| self.world.systems.books().plain(&text);
        gate.trace(plain(format!("{} begins {act:?} at {}", process.name, span.start)));
        let (begun, by) = (gate.now(), process.name.clone());
        let ended = process.invoke(REQUEST, work).await;
        if matches!(ended, Ended::Killed) {
            gate.note("killed at the deadline");
            process.end();
        }
        let told = Told::of(ended);
        gate.trace(plain(format!("{} ended {told:?}", process.name)));
        *held(&self.outcomes).entry(counted(&act, &told)).or_default() += 1;
        let told_ = told.clone();
        let attempt = Attempt { act, by, span, before, after, begun, ended: gate.now(), told: told_ };
        held(&self.attempts).push(attempt);
        told
    }

    pub(super) fn fault(&self, text: String) {
        held(&self.faults).push(text);
    }
}

/// What a request reads first.
struct Open {
    rows: OwnerRows,
    schedule: Schedule,
}

impl Open {
    async fn of(app: &App, owner: &OwnerId) -> AppResult<Self> {
        let rows = app.store.owner_rows(owner).await?;
        let schedule = schedule_of(app, owner, &rows, Patience::Request).await?;
        Ok(Self { rows, schedule })
    }

    fn desk<'a>(&'a self, owner: &'a OwnerId) -> Desk<'a> {
        Desk { owner, rows: &self.rows, schedule: &self.schedule, patience: Patience::Request }
    }
}

impl Wish {
    pub(super) fn buffers(&self) -> Buffers {
        Buffers {
            before: SignedDuration::from_secs(self.before),
            after: SignedDuration::from_secs(self.after),
        }
    }

    fn request(&self) -> Request {
        let mut names = self.names.iter().cloned();
        let repeats = Repeats { name: names.next(), wish: names.next(), hash: self.title.clone() };
        Request {
            slot: interval(self.span),
            buffers: self.buffers(),
            service: None,
            title: self.title.clone(),
            attendee_name: None,
            attendee_email: None,
            attendee_phone: None,
            notes: None,
            location: None,
            is_online_meeting: false,
            hold: self.hold.clone(),
            repeats,
        }
    }
}

pub(super) fn interval(span: Span) -> Interval {
    let at = |second| Timestamp::from_second(second).unwrap_or_default();
    Interval::new(at(span.start), at(span.end))
}
