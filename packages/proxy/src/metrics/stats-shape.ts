import { Histogram } from "@weft/kernel";
import type { SnapshotBuilder } from "./snapshot.ts";

/**
 * How a metric behaves over time. A counter only grows; its name ends in `_total`. A histogram holds durations: kept
 * in microseconds, shown in seconds.
 */
export type MetricType = "counter" | "gauge" | "histogram";

/** How the values of several workers become one. */
export type MetricMerge = "sum" | "min" | "max";

/** One metric as docs/METRICS.md and the scrape show it. */
export interface MetricDefinition {
  /** `weft_` + station or part + what is counted + unit; OpenMetrics 1.0 rules. */
  readonly name: string;
  readonly type: MetricType;
  /** A base unit, which the name then ends in (before `_total`); "" for plain numbers. */
  readonly unit: "" | "bytes" | "seconds";
  /** Label names, in the order of the label values of a series. */
  readonly labels: readonly string[];
  readonly merge: MetricMerge;
  readonly help: string;
}

/** The one place where a metric is spelled: the field it is counted in follows from it, and its line in the documents. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  /** A counter unless said otherwise. */
  readonly type?: "gauge" | "histogram";
  /** What tells the series of one object apart, where there are several. */
  readonly label?: string;
  /** Every value of `label`; without them, values come as they are counted. */
  readonly values?: readonly string[];
  /** A series appears with its first count. */
  readonly isSparse?: true;
  /** The sum unless said otherwise. */
  readonly merge?: "min" | "max";
}

/** The metrics of a kind of object (a listener, a cluster) by the field that each is counted in. */
export type MetricFamilies = Readonly<Record<string, MetricFamily>>;

/**
 * What stations count in: a number where there is one series, an object of numbers by label value where there are
 * several, a map where the values are not known beforehand. Stations increment the fields themselves: nothing is
 * cheaper, and no call stands between an event and its count.
 */
export type Stats<Families extends MetricFamilies> = { -readonly [Field in keyof Families]: Counts<Families[Field]> };

type Counts<Family extends MetricFamily> = Family extends { readonly type: "histogram" }
  ? Histogram
  : Family extends { readonly values: readonly (infer Value extends string)[] }
    ? Record<Value, number>
    : Family extends { readonly label: string }
      ? Map<string, number>
      : number;

/**
 * Makes stats objects of one kind, and says which series their fields are. All objects of a kind have one shape in the
 * engine, as if a class had been written out: they are parsed from one text, which gives every field its place at once.
 *
 * @example
 * const LISTENERS = new StatsShape(["listener"], LISTENER_METRICS);
 * const stats = LISTENERS.create();
 * stats.closes.peer++;
 * LISTENERS.addTo(builder, ["edge"], stats);
 */
export class StatsShape<Families extends MetricFamilies> {
  readonly definitions: readonly MetricDefinition[];
  readonly #families: readonly (readonly [field: string, family: MetricFamily])[];
  readonly #template: string;

  /** `labels` name the object: every series begins with them. */
  constructor(labels: readonly string[], families: Families) {
    this.#families = Object.entries(families);
    this.definitions = this.#families.map(([, family]) => defineMetric(labels, family));
    this.#template = JSON.stringify(
      Object.fromEntries(this.#families.map(([field, family]) => [field, zeroOf(family)])),
    );
  }

  /** All zero. */
  create(): Stats<Families> {
    const stats = JSON.parse(this.#template) as Record<string, unknown>;
    for (const [field, family] of this.#families) {
      if (family.type === "histogram") stats[field] = new Histogram();
      else if (isOpen(family)) stats[field] = new Map<string, number>();
    }
    return stats as Stats<Families>;
  }

  /** Adds the series of `stats`, whose own label values are `labels`. */
  addTo(builder: SnapshotBuilder, labels: readonly string[], stats: Stats<Families>): void {
    const counts: Readonly<Record<string, unknown>> = stats;
    for (const [field, { name, values, isSparse }] of this.#families) {
      const value = counts[field];
      if (typeof value === "number") builder.number(name, labels, value);
      else if (value instanceof Histogram) builder.histogram(name, labels, value.snapshot());
      else if (value instanceof Map) {
        for (const [label, count] of value as Map<string, number>) builder.number(name, [...labels, label], count);
      } else {
        const byLabel = value as Readonly<Record<string, number>>;
        for (const label of values ?? []) {
          const count = byLabel[label] ?? 0;
          if (isSparse !== true || count > 0) builder.number(name, [...labels, label], count);
        }
      }
    }
  }
}

function isOpen({ label, values }: MetricFamily): boolean {
  return label !== undefined && values === undefined;
}

function zeroOf(family: MetricFamily): unknown {
  if (family.type === "histogram" || isOpen(family)) return null;
  return family.values === undefined ? 0 : Object.fromEntries(family.values.map((value) => [value, 0]));
}

function defineMetric(own: readonly string[], family: MetricFamily): MetricDefinition {
  const { name, help, type = "counter", label, merge = "sum" } = family;
  const labels = label === undefined ? own : [...own, label];
  return { name, type, unit: unitOf(name), labels, merge, help };
}

/** OpenMetrics wants a unit to be the end of the name, so the name says it all. */
function unitOf(name: string): MetricDefinition["unit"] {
  const family = name.endsWith("_total") ? name.slice(0, -"_total".length) : name;
  if (family.endsWith("_seconds")) return "seconds";
  return family.endsWith("_bytes") ? "bytes" : "";
}
