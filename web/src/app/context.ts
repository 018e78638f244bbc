import type {
  Language,
  MeetingApi,
  MeetingKeys,
  Messages,
  OffersViewModel,
  PreferencesViewModel,
  Translate,
} from "@heydok/client";
import { translator } from "@heydok/client";
import { createContext, useContext, useMemo } from "react";
import { useBehavior } from "./useBehavior";

/** What the whole application shares. */
export interface Services {
  readonly preferences: PreferencesViewModel;
  readonly api: MeetingApi;
  readonly offers: OffersViewModel;
  readonly keys: MeetingKeys;
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) throw new Error("App provides ServicesContext around every screen");
  return services;
}

export function useLanguage(): Language {
  return useBehavior(useServices().preferences.language);
}

/** The texts of one feature in the current language: `const t = useText(landingMessages)`. */
export function useText<M extends Messages>(messages: M): Translate<M> {
  const language = useLanguage();
  return useMemo(() => translator(messages, language), [messages, language]);
}
