/** A value that always has a current value and tells when it changes. Views read it with `useBehavior`. */
export interface Behavior<T> {
  readonly value: T;
  /** Calls `listener` after each change until the returned function is called. */
  readonly subscribe: (listener: () => void) => () => void;
}

/** The writable side of a behavior; kept private by the view model that owns it. */
export class Cell<T> implements Behavior<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(initial: T) {
    this.#value = initial;
  }

  get value(): T {
    return this.#value;
  }

  /** Stores the value; listeners hear of it only if it is another one (`Object.is`). */
  set(next: T): void {
    if (Object.is(this.#value, next)) return;
    this.#value = next;
    for (const listener of [...this.#listeners]) listener();
  }

  update(change: (value: T) => T): void {
    this.set(change(this.#value));
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}
