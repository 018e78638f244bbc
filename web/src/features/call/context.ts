import type { MeetingInfo } from "@heydok/client";
import {
  type CallPreferences,
  type CallSession,
  callMessages,
  type SoundDirector,
  type Stage,
} from "@heydok/client/call";
import { createContext, useContext } from "react";
import { useText } from "../../app/context";

export type Panel = "chat" | "people";

export type SettingsSection = "devices" | "notices" | "connection";

/** What a call is made of; the same from its beginning to its end. */
export interface CallModels {
  readonly meeting: MeetingInfo;
  readonly session: CallSession;
  readonly stage: Stage;
  readonly sounds: SoundDirector;
}

/** What every part of the call screen may read and press. */
export interface Call extends CallModels {
  readonly panel: Panel | null;
  readonly preferences: CallPreferences;
  togglePanel(panel: Panel): void;
  closePanel(): void;
  showShortcuts(): void;
  showSettings(section?: SettingsSection): void;
  changePreferences(part: Partial<CallPreferences>): void;
}

export const CallContext = createContext<Call | null>(null);

export function useCall(): Call {
  const call = useContext(CallContext);
  if (!call) throw new Error("CallView provides CallContext around everything in the call");
  return call;
}

export function useCallText() {
  return useText(callMessages);
}
