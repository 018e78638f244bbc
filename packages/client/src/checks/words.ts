import type { Translate } from "../i18n/translate";
import type { checkMessages } from "../messages/checks";
import type { Check, Note } from "./check";
import type { Verdict } from "./verdict";

export type CheckText = Translate<typeof checkMessages>;

/** Which values a note needs depends on its key, which only its maker knows. */
type Loose = (key: string, values?: Note["values"]) => string;

export function noteText(note: Note, t: CheckText): string {
  return (t as Loose)(`note_${note.key}`, note.values ?? {});
}

export function verdictText(verdict: Verdict, t: CheckText): string {
  if (verdict.kind !== "audio" && verdict.kind !== "blocked") return t(`verdict_${verdict.kind}`);
  const reason = t(`reason_${verdict.reason}`);
  return t(`verdict_${verdict.kind}`, { reason });
}

/** One line for each check, and the verdict before them: what somebody may send to whoever helps. */
export function reportOf(
  checks: readonly Check[],
  verdict: Verdict | null,
  t: CheckText,
  about: { readonly agent: string; readonly at: Date },
): string {
  const lines = checks.map(({ id, state, note }) => {
    const said = note === null ? "" : ` – ${noteText(note, t)}`;
    return `${t(`name_${id}`)}: ${t(`state_${state}`)}${said}`;
  });
  const head = verdict === null ? t("testing") : verdictText(verdict, t);
  return [head, ...lines, about.agent, about.at.toISOString()].join("\n");
}
