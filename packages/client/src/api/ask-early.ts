import type { MeetingApi } from "./meetings";

/**
 * Asks about the meeting of the page's address while the page itself is still being loaded; the first to ask gets that
 * answer. `null`: the address names no meeting.
 */
export function askEarly(api: MeetingApi, code: string | null): MeetingApi {
  if (code === null) return api;
  let early: ReturnType<MeetingApi["info"]> | null = api.info(code);
  // Whoever asks is told of a failure; until then nobody listens.
  early.catch(() => undefined);
  return {
    config: (signal) => api.config(signal),
    create: (signal) => api.create(signal),
    participants: (asked, signal) => api.participants(asked, signal),
    join: (asked, request, signal) => api.join(asked, request, signal),
    end: (asked, hostKey) => api.end(asked, hostKey),
    info: (asked, signal) => {
      const answer = early;
      early = null;
      return answer !== null && asked === code ? answer : api.info(asked, signal);
    },
  };
}
