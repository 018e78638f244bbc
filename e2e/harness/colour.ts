import { EVERYBODY, type Person } from "./people.ts";

type Rgb = readonly [number, number, number];

/** The one person whose colour this is, or a word for what was seen instead. */
export function whoseColour([red, green, blue]: Rgb): string {
  const near = EVERYBODY.find((person) => {
    const distance = Math.hypot(red - person.colour[0], green - person.colour[1], blue - person.colour[2]);
    return distance < 60;
  });
  return near?.name ?? `rgb(${red.toFixed(0)}, ${green.toFixed(0)}, ${blue.toFixed(0)})`;
}

/** One frame of the person's colour as I420 (BT.601, limited range, as WebRTC codecs take it). */
export function i420(person: Person, width: number, height: number): Uint8Array<ArrayBuffer> {
  const [red, green, blue] = person.colour;
  const luma = 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255;
  const chromaBlue = 128 + (-37.797 * red - 74.203 * green + 112 * blue) / 255;
  const chromaRed = 128 + (112 * red - 93.786 * green - 18.214 * blue) / 255;
  const area = width * height;
  const frame = new Uint8Array(area + area / 2);
  frame.fill(Math.round(luma), 0, area);
  frame.fill(Math.round(chromaBlue), area, area + area / 4);
  frame.fill(Math.round(chromaRed), area + area / 4);
  return frame;
}

/** Mean colour of an I420 frame. */
export function meanOfI420(data: Uint8Array, width: number, height: number): Rgb {
  const area = width * height;
  const chroma = Math.ceil(width / 2) * Math.ceil(height / 2);
  const luma = mean(data, 0, area) - 16;
  const chromaBlue = mean(data, area, chroma) - 128;
  const chromaRed = mean(data, area + chroma, chroma) - 128;
  const clamp = (value: number) => Math.min(255, Math.max(0, value));
  return [
    clamp(1.164 * luma + 1.596 * chromaRed),
    clamp(1.164 * luma - 0.392 * chromaBlue - 0.813 * chromaRed),
    clamp(1.164 * luma + 2.017 * chromaBlue),
  ];
}

function mean(data: Uint8Array, from: number, length: number): number {
  let sum = 0;
  for (let index = from; index < from + length; index += 1) sum += data[index] ?? 0;
  return sum / length;
}
