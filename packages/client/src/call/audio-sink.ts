import { type RemoteTrack, Track } from "livekit-client";

/** Plays the sound of others. Elements live in the document because some browsers play only those. */
export class AudioSink {
  private readonly elements = new Map<RemoteTrack, HTMLMediaElement>();
  private readonly home: HTMLElement;
  private readonly volumes = new Map<string, number>();

  constructor(document: Document) {
    this.home = document.createElement("div");
    this.home.hidden = true;
    document.body.append(this.home);
  }

  play(track: RemoteTrack, identity: string): void {
    if (track.kind !== Track.Kind.Audio || this.elements.has(track)) return;
    const element = track.attach();
    element.volume = this.volumes.get(identity) ?? 1;
    // Hooks by which tests and support find the element of a person.
    element.dataset.participant = identity;
    element.dataset.source = track.source;
    this.elements.set(track, element);
    this.home.append(element);
  }

  stop(track: RemoteTrack): void {
    const element = this.elements.get(track);
    if (element === undefined) return;
    this.elements.delete(track);
    track.detach(element);
    element.remove();
  }

  /** How loud one person is for me, 0 to 1; kept when the person comes back. */
  setVolume(identity: string, volume: number): void {
    this.volumes.set(identity, volume);
    for (const element of this.elements.values()) {
      if (element.dataset.participant === identity) element.volume = volume;
    }
  }

  volumeOf(identity: string): number {
    return this.volumes.get(identity) ?? 1;
  }

  stopAll(): void {
    for (const track of [...this.elements.keys()]) this.stop(track);
  }

  dispose(): void {
    this.stopAll();
    this.home.remove();
  }
}
