/** What is measured at the moment: one line that changes on a terminal, a line per scenario elsewhere. */
export class Progress {
  readonly #output: NodeJS.WriteStream;
  #scenario: string = "";

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  /** `detail` says how far it is within the scenario. */
  step(scenario: string, detail: string): void {
    if (this.#output.isTTY) {
      const line = `${scenario} · ${detail}`;
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
