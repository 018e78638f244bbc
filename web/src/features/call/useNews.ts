import { type CallNews, readOut, worthSaying } from "@heydok/client/call";
import { type RefObject, useEffect, useRef } from "react";
import { useBehavior } from "../../app/useBehavior";
import { useAnnounce } from "../../primitives/Announcer";
import { useCall, useCallText } from "./context";

/** Says to screen readers what others see: joins, leaves, messages, shares, and that one is in. */
export function useNews(onNews: RefObject<(news: CallNews) => void>): void {
  const { session, preferences } = useCall();
  const { verbosity } = preferences;
  const t = useCallText();
  const announce = useAnnounce();
  useEffect(() => {
    onNews.current = (news) => {
      if (!worthSaying(news, verbosity)) return;
      for (const sentence of sentences(news, t)) announce(sentence);
    };
  }, [onNews, announce, t, verbosity]);
  const connection = useBehavior(session.connection);
  const told = useRef(false);
  useEffect(() => {
    if (connection.status !== "connected" || told.current) return;
    told.current = true;
    const { microphoneOn, cameraOn } = session.media.state.value;
    const word = (on: boolean) => t(on ? "on" : "off");
    announce(t("youAreIn", { microphone: word(microphoneOn), camera: word(cameraOn) }), "assertive");
  }, [connection, session, announce, t]);
}

function sentences(news: CallNews, t: ReturnType<typeof useCallText>): string[] {
  switch (news.kind) {
    case "message":
      return [
        t(news.isPrivate ? "chatNewsPrivate" : "chatNews", { name: news.from, text: readOut(news.text) }),
      ];
    case "share-started":
      return [t("shareStarted", { name: news.name })];
    case "share-stopped":
      return [t("shareStopped", { name: news.name })];
    case "moved": {
      const { joined, left } = news.movement;
      const merged = (
        names: readonly string[],
        one: "joinedOne" | "leftOne",
        many: "joinedMany" | "leftMany",
      ) => {
        const name = names[0];
        if (name === undefined) return [];
        return names.length === 1 ? [t(one, { name })] : [t(many, { name, n: names.length - 1 })];
      };
      return [...merged(joined, "joinedOne", "joinedMany"), ...merged(left, "leftOne", "leftMany")];
    }
  }
}
