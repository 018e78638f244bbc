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

/** A sentence for each check that has ended between two looks, for who does not see the list; silent about those that were not reached. */
export function endings(before: readonly Check[], now: readonly Check[], t: CheckText): readonly string[] {
  const over = (check: Check | undefined) =>
    check !== undefined && !["waiting", "running"].includes(check.state);
  return now.flatMap((check, index) => {
    if (!over(check) || over(before[index]) || check.note === null) return [];
    const values = {
      n: index + 1,
      of: now.length,
      name: t(`name_${check.id}`),
      state: t(`state_${check.state}`),
    };
    return [t("ended", values)];
  });
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
