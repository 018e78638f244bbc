import { type ReactNode, useEffect, useRef } from "react";

/** Set once the first screen is shown: only later ones take the focus. */
let firstScreenShown = false;

/**
 * The one `h1` of a screen. It names the window, and takes the focus when the screen follows another, so that a
 * screen reader begins there.
 */
export function Heading(props: {
  title: string;
  children: ReactNode;
  className?: string | undefined;
  /** False where the screen puts the focus elsewhere. */
  takesFocus?: boolean;
}) {
  const { title, children, className, takesFocus = true } = props;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title.replace(/\.$/, "")} – heydok`;
  }, [title]);
  useEffect(() => {
    if (firstScreenShown && takesFocus) heading.current?.focus();
    firstScreenShown = true;
  }, [takesFocus]);
  return (
    <h1 ref={heading} tabIndex={-1} className={className}>
      {children}
    </h1>
  );
}
