import type { CallScreenProps } from "@heydok/client";

/** The call, loaded when somebody joins. */
export default function CallScreen({ meeting, onLeft }: CallScreenProps) {
  return (
    <main id="main" data-stage>
      <h1>{meeting.name ?? meeting.code}</h1>
      <button type="button" onClick={() => onLeft("left", { durationSeconds: 0 })}>
        Leave meeting
      </button>
    </main>
  );
}
