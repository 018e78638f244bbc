import { ConnectionQuality, type Room, RoomEvent, Track } from "livekit-client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LocalMedia } from "./local-media";
import { People } from "./people";

/** An audio element, as far as the sink uses it. */
interface FakeElement {
  dataset: Record<string, string>;
  remove(): void;
}

/** The document of a page, with the audio elements that are in it. */
function fakeDocument() {
  const playing = new Set<FakeElement>();
  const home = { append: (element: FakeElement) => playing.add(element), remove: () => undefined };
  const page = { createElement: () => home, body: { append: () => undefined } };
  const element = (): FakeElement => {
    const made: FakeElement = { dataset: {}, remove: () => playing.delete(made) };
    return made;
  };
  const heard = () => [...playing].map(({ dataset }) => dataset.participant);
  return { page: page as unknown as Document, element, heard };
}

/** Somebody in the room with an open microphone, whose sound has not arrived. */
function person(identity: string) {
  const microphone = { isMuted: false, track: undefined as unknown };
  return {
    identity,
    name: identity,
    joinedAt: new Date(1),
    isSpeaking: false,
    connectionQuality: ConnectionQuality.Good,
    microphone,
    getTrackPublication: (source: string) => (source === Track.Source.Microphone ? microphone : undefined),
    getTrackPublications: () => [microphone],
  };
}

/** A page in a room with Anna, of whom nothing has arrived yet. */
function setUp() {
  const { page, element, heard } = fakeDocument();
  const listeners = new Map<string, (...values: unknown[]) => void>();
  const anna = person("anna");
  const room = {
    state: "connected",
    canPlaybackAudio: true,
    localParticipant: { ...person("me"), getTrackPublications: () => [] },
    remoteParticipants: new Map([["anna", anna]]),
    on: (event: string, listener: (...values: unknown[]) => void) => {
      const earlier = listeners.get(event);
      listeners.set(event, (...values) => {
        earlier?.(...values);
        listener(...values);
      });
    },
  };
  const media = new LocalMedia({ microphoneOn: false, cameraOn: false, microphoneId: null, cameraId: null });
  const surroundings = { now: () => Date.now(), random: () => 0.5 };
  const people = new People({ id: "me", name: "Me" }, media.state, surroundings, page);
  const arrive = () => {
    const track = { kind: Track.Kind.Audio, source: "microphone", attach: element, detach: () => undefined };
    anna.microphone.track = track;
    return track;
  };
  const emit = (event: string, ...values: unknown[]) => listeners.get(event)?.(...values);
  return { people, room: room as unknown as Room, anna, arrive, emit, heard };
}

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

describe("the sound of others", () => {
  test("plays as soon as it arrives, once, and until it ends", () => {
    const { anna, arrive, emit, heard, people, room } = setUp();
    people.bind(room);
    const track = arrive();
    emit(RoomEvent.TrackSubscribed, track, anna.microphone, anna);
    expect(heard()).toEqual(["anna"]);
    vi.advanceTimersByTime(5_000);
    expect(heard()).toEqual(["anna"]);
    emit(RoomEvent.TrackUnsubscribed, track);
    expect(heard()).toEqual([]);
    people.dispose();
  });

  test("that was there before the page listened plays at once", () => {
    const { arrive, heard, people, room } = setUp();
    arrive();
    people.bind(room);
    expect(heard()).toEqual(["anna"]);
    people.dispose();
  });

  // livekit-client swallows what happens between "connected again" and the end of its attempt.
  test("plays within a second when nobody tells that it has arrived", () => {
    const { arrive, heard, people, room } = setUp();
    people.bind(room);
    arrive();
    vi.advanceTimersByTime(1_000);
    expect(heard()).toEqual(["anna"]);
    people.dispose();
  });

  test("that ended before it was told does not play", () => {
    const { anna, arrive, emit, heard, people, room } = setUp();
    people.bind(room);
    const track = arrive();
    anna.microphone.track = undefined;
    emit(RoomEvent.TrackUnsubscribed, track);
    emit(RoomEvent.TrackSubscribed, track, anna.microphone, anna);
    expect(heard()).toEqual([]);
    people.dispose();
  });

  test("of a room that was given up does not play", () => {
    const { anna, arrive, emit, heard, people, room } = setUp();
    people.bind(room);
    people.unbind();
    emit(RoomEvent.TrackSubscribed, arrive(), anna.microphone, anna);
    vi.advanceTimersByTime(5_000);
    expect(heard()).toEqual([]);
    people.dispose();
  });
});

describe("the tiles of others", () => {
  test("show within a second who came without a word", () => {
    const { people, room } = setUp();
    people.bind(room);
    (room.remoteParticipants as Map<string, unknown>).set("ben", person("ben"));
    vi.advanceTimersByTime(1_000);
    expect(people.list.value.map(({ id }) => id)).toContain("ben");
    people.dispose();
  });

  test("stay lost while the line is cut, though the room has not noticed", () => {
    const { people, room } = setUp();
    people.bind(room);
    people.interrupted();
    vi.advanceTimersByTime(5_000);
    const anna = () => people.list.value.find(({ id }) => id === "anna");
    expect(anna()?.stale).toBe(true);
    people.bind(room);
    expect(anna()?.stale).toBe(false);
    people.dispose();
  });
});
