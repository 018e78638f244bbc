import type { Language } from "@heydok/client";
import { useMemo } from "react";
import { useLanguage } from "./context";

const locales: Record<Language, readonly string[]> = { en: ["en-GB"], de: ["de-DE"] };

/** The browser's own variant of the language decides on 12 or 24 hours and the order of day and month. */
function localeOf(language: Language): string[] {
  const own = navigator.languages.filter((wish) => wish.toLowerCase().startsWith(language));
  return [...own, ...locales[language]];
}

export interface Format {
  /** "Sat, 21 November, 14:05" */
  dateTime(date: Date): string;
  /** "14:05" */
  time(date: Date | number): string;
  /** "Saturday, 21 November" */
  day(date: Date | number): string;
  /** "12 minutes", "1 hour 5 minutes", "24 hours", "7 days"; seconds only below a minute. */
  duration(seconds: number): string;
}

export function useFormat(): Format {
  const language = useLanguage();
  return useMemo(() => createFormat(localeOf(language)), [language]);
}

function createFormat(locale: string[]): Format {
  const dateTime = new Intl.DateTimeFormat(locale, {
    weekday: "short",
    day: "numeric",
    month: "long",
    hour: "numeric",
    minute: "2-digit",
  });
  const time = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" });
  const unit = (name: "day" | "hour" | "minute" | "second") =>
    new Intl.NumberFormat(locale, { style: "unit", unit: name, unitDisplay: "long" });
  const [days, hours, minutes, seconds] = [unit("day"), unit("hour"), unit("minute"), unit("second")];
  return {
    dateTime: (date) => dateTime.format(date),
    time: (date) => time.format(date),
    day: (date) => day.format(date),
    duration: (total) => {
      if (total < 60) return seconds.format(Math.max(0, Math.round(total)));
      const whole = Math.round(total / 60);
      const rest = minutes.format(whole % 60);
      if (whole < 60) return rest;
      if (whole > 1440 && whole % 1440 === 0) return days.format(whole / 1440);
      return whole % 60 === 0 ? hours.format(whole / 60) : `${hours.format(Math.floor(whole / 60))} ${rest}`;
    },
  };
}
