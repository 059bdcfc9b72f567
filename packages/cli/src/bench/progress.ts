/** What is measured at the moment: one line that changes on a terminal, a line per scenario elsewhere. */
export class Progress {
  readonly #output: NodeJS.WriteStream;
  #scenario: string = "";

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  step(scenario: string, peer: string, round: number): void {
    if (this.#output.isTTY) {
      const line = `${scenario} · round ${round} · ${peer}`;
      this.#output.write(`\r\u001B[K${line.slice(0, Math.max(0, this.#output.columns - 1))}`);
    } else if (scenario !== this.#scenario) {
      this.#output.write(`${scenario} ...\n`);
    }
    this.#scenario = scenario;
  }

  /** Leaves a clean line. */
  end(): void {
    if (this.#output.isTTY) this.#output.write("\r\u001B[K");
  }
}
