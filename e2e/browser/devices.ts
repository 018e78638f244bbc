import type { Person } from "../harness/people.ts";

declare global {
  interface Window {
    /** The hands that can reach the replaced devices. */
    hands: {
      /** How loud the microphone is: 0 is digital silence. */
      setVolume(gain: number): void;
      /** Pulls the plug of every microphone or camera that is in use. */
      unplug(kind: "audio" | "video"): void;
    };
  }
}

/**
 * Replaces camera, microphone and screen of a page by a canvas of the person's colour and an oscillator with the
 * person's tone. Runs in the page before its own scripts; so it may use nothing from outside.
 */
export function replaceDevices({ self, screen }: { self: Person; screen: Person }): void {
  const context = new AudioContext();
  const given: MediaStreamTrack[] = [];
  const volumes: GainNode[] = [];
  window.hands = {
    setVolume: (gain) => {
      for (const volume of volumes) volume.gain.value = gain;
    },
    unplug: (kind) => {
      for (const track of given.filter((one) => one.kind === kind && one.readyState === "live")) {
        track.stop();
        // A page that stops a track itself is not told; one whose device is gone is.
        track.dispatchEvent(new Event("ended"));
      }
    },
  };

  function picture(person: Person): MediaStreamTrack {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [480, 270];
    const brush = canvas.getContext("2d");
    if (brush === null) throw new Error("no canvas");
    const paint = () => {
      brush.fillStyle = `rgb(${person.colour.join(",")})`;
      brush.fillRect(0, 0, canvas.width, canvas.height);
    };
    paint();
    const timer = setInterval(paint, 66);
    const [track] = canvas.captureStream(15).getVideoTracks();
    if (track === undefined) throw new Error("no picture");
    track.addEventListener("ended", () => clearInterval(timer));
    return track;
  }

  function sound(person: Person): MediaStreamTrack {
    const oscillator = new OscillatorNode(context, { frequency: person.tone });
    const volume = new GainNode(context, { gain: 0.3 });
    volumes.push(volume);
    const destination = context.createMediaStreamDestination();
    oscillator.connect(volume).connect(destination);
    oscillator.start();
    const [track] = destination.stream.getAudioTracks();
    if (track === undefined) throw new Error("no sound");
    return track;
  }

  const capture = (person: Person, { audio, video }: { audio?: unknown; video?: unknown } = {}) => {
    const tracks: MediaStreamTrack[] = [];
    if (video) tracks.push(picture(person));
    if (audio) tracks.push(sound(person));
    given.push(...tracks);
    return Promise.resolve(new MediaStream(tracks));
  };
  navigator.mediaDevices.getUserMedia = (wanted) => capture(self, wanted);
  navigator.mediaDevices.getDisplayMedia = (wanted) => capture(screen, { ...wanted, video: true });
}
