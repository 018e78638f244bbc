//! `signal` and `sfu` do not know each other: here the words of one become the words of the other.

use signal::seam;

pub(crate) fn peer(peer: seam::PeerId) -> sfu::PeerId {
    sfu::PeerId(peer.0)
}

pub(crate) fn track(track: seam::TrackId) -> sfu::TrackId {
    sfu::TrackId(track.0)
}

fn kind(kind: seam::MediaKind) -> sfu::MediaKind {
    match kind {
        seam::MediaKind::Audio => sfu::MediaKind::Audio,
        seam::MediaKind::Video => sfu::MediaKind::Video,
    }
}

pub(crate) fn channel(channel: seam::Channel) -> sfu::Channel {
    match channel {
        seam::Channel::Reliable => sfu::Channel::Reliable,
        seam::Channel::Lossy => sfu::Channel::Lossy,
        seam::Channel::DataTrack => sfu::Channel::DataTrack,
    }
}

fn channel_back(channel: sfu::Channel) -> seam::Channel {
    match channel {
        sfu::Channel::Reliable => seam::Channel::Reliable,
        sfu::Channel::Lossy => seam::Channel::Lossy,
        sfu::Channel::DataTrack => seam::Channel::DataTrack,
    }
}

pub(crate) fn plan(plan: Vec<seam::SectionPlan>) -> Vec<sfu::SectionPlan> {
    let role = |role| match role {
        seam::SectionRole::Receive { track: id } => sfu::SectionRole::Receive { track: track(id) },
        seam::SectionRole::Send { track: id } => sfu::SectionRole::Send { track: track(id) },
        seam::SectionRole::Inactive => sfu::SectionRole::Inactive,
    };
    let section = |section: seam::SectionPlan| sfu::SectionPlan {
        mid: section.mid,
        kind: kind(section.kind),
        role: role(section.role),
    };
    plan.into_iter().map(section).collect()
}

pub(crate) fn facts(facts: sfu::AnswerFacts) -> seam::AnswerFacts {
    let section = |section: sfu::SectionFacts| seam::SectionFacts {
        mid: section.mid,
        payload_types: section.payload_types,
        extensions: section.extensions,
        ssrc: section.ssrc,
        rtx_ssrc: section.rtx_ssrc,
    };
    seam::AnswerFacts {
        ice_ufrag: facts.ice_ufrag,
        ice_pwd: facts.ice_pwd,
        ice_lite: facts.ice_lite,
        fingerprint: facts.fingerprint,
        candidates: facts.candidates,
        sections: facts.sections.into_iter().map(section).collect(),
        application: facts.application,
    }
}

pub(crate) fn added(section: seam::NewSection) -> sfu::AddedTrack {
    sfu::AddedTrack {
        track: track(section.track),
        kind: kind(section.kind),
        stream_id: section.stream_id,
        track_id: section.track_id,
    }
}

pub(crate) fn offered(offered: sfu::Offered) -> seam::Offered {
    let mids = offered.mids.into_iter().map(|(track, mid)| (seam::TrackId(track.0), mid)).collect();
    seam::Offered { sdp: offered.sdp, mids }
}

pub(crate) fn settings(settings: seam::DownSettings) -> sfu::DownSettings {
    sfu::DownSettings {
        paused: settings.paused,
        max_layer: settings.max_layer,
        max_temporal: settings.max_temporal,
        pixels: settings.pixels,
        priority: settings.priority,
    }
}

pub(crate) fn event(event: sfu::Event) -> seam::MediaEvent {
    let back = |peer: sfu::PeerId| seam::PeerId(peer.0);
    match event {
        sfu::Event::Connected(peer) => seam::MediaEvent::Connected(back(peer)),
        sfu::Event::Disconnected(peer) => seam::MediaEvent::Disconnected(back(peer)),
        sfu::Event::ChannelOpen(peer, channel) => seam::MediaEvent::ChannelOpen(back(peer), channel_back(channel)),
        sfu::Event::Data(peer, channel, payload) => seam::MediaEvent::Data(back(peer), channel_back(channel), payload),
        sfu::Event::AudioLevels(levels) => {
            let levels = levels.into_iter().map(|(track, level)| (seam::TrackId(track.0), level)).collect();
            seam::MediaEvent::AudioLevels(levels)
        }
        sfu::Event::PeerStats(peer, stats) => {
            let quality = seam::TransportQuality {
                round_trip_ms: stats.rtt_ms,
                loss_up: stats.loss_up,
                loss_down: stats.loss_down,
            };
            seam::MediaEvent::Quality(back(peer), quality)
        }
        sfu::Event::StreamState(peer, states) => {
            let states = states.into_iter().map(|(track, paused)| (seam::TrackId(track.0), paused)).collect();
            seam::MediaEvent::StreamState(back(peer), states)
        }
        sfu::Event::CodecRefused(peer, track) => seam::MediaEvent::CodecRefused(back(peer), seam::TrackId(track.0)),
        sfu::Event::Fault(peer) => seam::MediaEvent::Fault(back(peer)),
    }
}
