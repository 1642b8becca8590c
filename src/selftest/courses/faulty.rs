//! Models that cheat in `tcp-echo`: what they say must be found out.

use std::{convert::Infallible, io, marker::PhantomData, net::SocketAddr, sync::Arc};

use deadheat_core::{
    env::Env,
    peer::PeerSpec,
    scenario::{Cx, Description, Scenario, Setup},
};
use deadheat_scenarios::tcp_echo::TcpEcho;

/// One in so many operations is not what it should be.
const RARE: u64 = 100;

/// What a model does instead of one operation in a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::selftest) enum Cheat {
    /// It answers something else.
    Wrong,
    /// It answers without having asked.
    Skips,
    /// It asks nobody, meets an error, and says that all is well.
    Swallows,
}

/// What is wrong with a model.
pub(in crate::selftest) trait Fault: Send + Sync + 'static {
    /// Under which id it races.
    const ID: &'static str;
    /// What it does.
    const CHEAT: Cheat;
}

/// See [`Cheat::Wrong`].
pub(in crate::selftest) struct Wrong;

impl Fault for Wrong {
    const ID: &'static str = "selftest/wrong";
    const CHEAT: Cheat = Cheat::Wrong;
}

/// See [`Cheat::Skips`].
pub(in crate::selftest) struct Skips;

impl Fault for Skips {
    const ID: &'static str = "selftest/skips";
    const CHEAT: Cheat = Cheat::Skips;
}

/// See [`Cheat::Swallows`].
pub(in crate::selftest) struct Swallows;

impl Fault for Swallows {
    const ID: &'static str = "selftest/swallows";
    const CHEAT: Cheat = Cheat::Swallows;
}

/// `tcp-echo`, with a fault.
pub(in crate::selftest) struct Faulty<F> {
    inner: Arc<TcpEcho>,
    fault: PhantomData<F>,
}

/// What a session of `tcp-echo` works with.
pub(in crate::selftest) struct Session<E: Env> {
    cx: Cx<TcpEcho, E>,
    inner: <TcpEcho as Scenario>::Session<E>,
}

impl<F: Fault> Scenario for Faulty<F> {
    const ID: &'static str = TcpEcho::ID;
    type Session<E: Env> = Session<E>;
    type Arg<E: Env> = Infallible;

    fn describe() -> Description {
        TcpEcho::describe()
    }

    fn peers(setup: &Setup<'_>) -> Vec<PeerSpec> {
        TcpEcho::peers(setup)
    }

    fn prepare(setup: &Setup<'_>) -> io::Result<Self> {
        Ok(Self { inner: Arc::new(TcpEcho::prepare(setup)?), fault: PhantomData })
    }

    async fn open<E: Env>(cx: &Cx<Self, E>, index: usize) -> io::Result<Session<E>> {
        let inner = Arc::clone(&cx.scenario.inner);
        let cx = Cx::new(inner, cx.env.clone(), |_, never| match never {});
        Ok(Session { inner: TcpEcho::open(&cx, index).await?, cx })
    }

    async fn op<E: Env>(cx: &Cx<Self, E>, session: &mut Session<E>, seq: u64) -> io::Result<u64> {
        let cheats = seq % RARE == RARE - 1;
        match F::CHEAT {
            Cheat::Skips if cheats => return Ok(seq),
            Cheat::Swallows if cheats => {
                // Nobody listens on port 1; and if anybody does, it is not the peer.
                let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
                drop(cx.env.connect(nobody).await);
                return Ok(seq);
            }
            _ => {}
        }
        let check = TcpEcho::op(&session.cx, &mut session.inner, seq).await?;
        Ok(if cheats && F::CHEAT == Cheat::Wrong { check + 1 } else { check })
    }

    fn expected(&self, seq: u64) -> u64 {
        self.inner.expected(seq)
    }
}
