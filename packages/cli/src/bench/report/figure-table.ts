/** One scenario as a table of texts, for the terminal and for HTML alike. */
export interface FigureTable {
  readonly scenario: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What a drawing compares: less is better. */
  readonly bars: readonly Bar[];
  /** What the bars stand for. */
  readonly barUnit: string;
}

/** One bar of a drawing. */
export interface Bar {
  readonly peer: string;
  readonly value: number;
}
