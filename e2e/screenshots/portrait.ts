declare global {
  interface Window {
    /** From now on the microphone gives nothing but zeros, as behind a switch of its own. */
    hush(): void;
  }
}

/** How somebody looks on a picture of a screen. */
export interface Sitter {
  readonly name: string;
  readonly wall: string;
  readonly skin: string;
  readonly hair: string;
  readonly clothes: string;
}

export const SITTERS: readonly Sitter[] = [
  { name: "Anna Lindqvist", wall: "#c9b79c", skin: "#e8bd9c", hair: "#5a3a22", clothes: "#2f5d50" },
  { name: "Ben Okafor", wall: "#8fa3ad", skin: "#7d4f33", hair: "#1d1512", clothes: "#c96f3b" },
  { name: "Chiara Rossi", wall: "#b5c2a3", skin: "#d9a27e", hair: "#231a15", clothes: "#7a3b52" },
];

/** Replaces the camera by a drawn person in front of a wall, the microphone by a soft hum, the screen by a document. */
export function sitForPortrait(sitter: Sitter): void {
  const context = new AudioContext();

  function named(track: MediaStreamTrack | undefined, label: string): MediaStreamTrack {
    if (track === undefined) throw new Error(`no ${label}`);
    return Object.defineProperty(track, "label", { value: label });
  }

  function draw(paint: (brush: CanvasRenderingContext2D) => void): MediaStreamTrack {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [960, 540];
    const brush = canvas.getContext("2d");
    if (brush === null) throw new Error("no canvas");
    paint(brush);
    setInterval(() => paint(brush), 100);
    return named(canvas.captureStream(10).getVideoTracks()[0], "Integrated camera");
  }

  function person(brush: CanvasRenderingContext2D): void {
    const light = brush.createLinearGradient(0, 0, 960, 540);
    light.addColorStop(0, sitter.wall);
    light.addColorStop(1, "#4a4f4c");
    brush.fillStyle = light;
    brush.fillRect(0, 0, 960, 540);
    const ellipse = (colour: string, x: number, y: number, width: number, height: number) => {
      brush.fillStyle = colour;
      brush.beginPath();
      brush.ellipse(x, y, width, height, 0, 0, 2 * Math.PI);
      brush.fill();
    };
    ellipse(sitter.hair, 480, 215, 118, 138);
    ellipse(sitter.clothes, 480, 590, 250, 190);
    ellipse(sitter.skin, 480, 380, 52, 70);
    ellipse(sitter.skin, 480, 245, 92, 118);
    ellipse(sitter.hair, 480, 150, 98, 50);
  }

  function page(brush: CanvasRenderingContext2D): void {
    brush.fillStyle = "#ffffff";
    brush.fillRect(0, 0, 960, 540);
    brush.fillStyle = "#1b2a26";
    brush.font = "600 34px sans-serif";
    brush.fillText("Quarterly plan", 60, 80);
    brush.fillStyle = "#ccd5d0";
    for (let line = 0; line < 9; line += 1)
      brush.fillRect(60, 125 + line * 40, 560 + ((line * 97) % 260), 14);
  }

  function hum(): MediaStreamTrack {
    const oscillator = new OscillatorNode(context, { frequency: 220 });
    const destination = context.createMediaStreamDestination();
    const volume = new GainNode(context, { gain: 0.02 });
    oscillator.connect(volume).connect(destination);
    oscillator.start();
    window.hush = () => {
      volume.gain.value = 0;
    };
    return named(destination.stream.getAudioTracks()[0], "Integrated microphone");
  }

  const { mediaDevices } = navigator;
  mediaDevices.getUserMedia = ({ audio, video } = {}) =>
    Promise.resolve(new MediaStream([...(video ? [draw(person)] : []), ...(audio ? [hum()] : [])]));
  mediaDevices.getDisplayMedia = () => Promise.resolve(new MediaStream([draw(page)]));
}
