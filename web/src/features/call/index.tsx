import { type CallScreenProps, createHttpClient } from "@heydok/client";
import {
  browserSurroundings,
  type CallNews,
  CallSession,
  HttpCallBackend,
  loadCallPreferences,
  SoundDirector,
  Stage,
} from "@heydok/client/call";
import { useEffect, useRef, useState } from "react";
import { useServices } from "../../app/context";
import { safeStorage } from "../../app/storage";
import { playNotes } from "../../browser/sounds";
import { CallView } from "./CallView";
import type { CallModels } from "./context";

/** The call, loaded when somebody joins: from the admission to the moment of leaving. */
export default function CallScreen({ meeting, join, devices, hostKey, onLeft }: CallScreenProps) {
  const { api } = useServices();
  const [running, setRunning] = useState<CallModels | null>(null);
  const onNews = useRef<(news: CallNews) => void>(() => undefined);
  const latest = useRef({ meeting, join, devices, hostKey, onLeft });
  latest.current.onLeft = onLeft;
  useEffect(() => {
    const { meeting, join, devices, hostKey } = latest.current;
    const { displayName, speakerId } = devices;
    const sounds = new SoundDirector(
      browserSurroundings,
      () => loadCallPreferences(safeStorage("localStorage")),
      (notes, volume) => playNotes(notes, volume, session.speaker),
    );
    const session: CallSession = new CallSession({
      join,
      displayName,
      media: devices,
      speakerId,
      hostKey,
      backend: new HttpCallBackend({
        http: createHttpClient(),
        meetings: api,
        code: meeting.code,
        displayName,
        hostKey,
      }),
      document,
      debug: new URLSearchParams(location.search).get("debug") === "1",
      onNews: (news) => onNews.current(news),
      onSound: (sound, people) => sounds.cue(sound, people),
      onEnd: (reason, { durationSeconds, code, chat }) =>
        latest.current.onLeft(reason, { durationSeconds, chat, ...(code === null ? {} : { code }) }),
    });
    const kept = loadCallPreferences(safeStorage("localStorage"));
    const stage = new Stage(session.people.list, session.selfId, kept.layout, browserSurroundings, (ids) =>
      session.people.show(ids),
    );
    stage.moveSelf(kept.corner);
    stage.start();
    const { processorShort } = session.monitor;
    processorShort.subscribe(() => stage.spare(processorShort.value));
    session.start();
    setRunning({ meeting, session, stage, sounds });
    return () => {
      stage.stop();
      session.dispose();
    };
  }, [api]);
  if (running === null) return <main id="main" data-stage />;
  return <CallView models={running} onNews={onNews} />;
}
