/** The lifetime of a view model: what it started is stopped when the scope ends, in reverse order. */
export class Scope {
  readonly #endings: (() => void)[] = [];
  #ended = false;

  get ended(): boolean {
    return this.#ended;
  }

  /** Runs `ending` when the scope ends, or at once if it already has. */
  onEnd(ending: () => void): void {
    if (this.#ended) ending();
    else this.#endings.push(ending);
  }

  /** Listens to a DOM-like target for as long as the scope lives. */
  listen(target: EventTarget, type: string, listener: (event: Event) => void): void {
    target.addEventListener(type, listener);
    this.onEnd(() => target.removeEventListener(type, listener));
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const ending of this.#endings.splice(0).reverse()) ending();
  }
}
