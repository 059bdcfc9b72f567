import type { ProxySettings } from "@weft/contract";
import { durationMs } from "../load/duration.ts";
import { fullNameOf } from "../load/validate.ts";
import type { Compilation } from "./compilation.ts";
import type { LoadedOf } from "./resource-index.ts";

/** The one ProxyConfig of a set; a second is a finding. */
export function findProxyConfig({ index, log }: Compilation): LoadedOf<"ProxyConfig"> | undefined {
  const [first, ...others] = index.all("ProxyConfig");
  for (const { resource, source } of others) {
    const expected = `one ProxyConfig per proxy (${first === undefined ? "" : fullNameOf(first.resource)} is there)`;
    log.add(source, ["metadata", "name"], resource.metadata.name, expected, {
      reason: "Conflicted",
      condition: "Conflicted",
    });
  }
  return first;
}

/** What holds for the whole process. */
export function compileSettings(defaults: ProxySettings, config: LoadedOf<"ProxyConfig"> | undefined): ProxySettings {
  if (config === undefined) return defaults;
  const { accessLog, tracing, admin, drain, hopsMax } = config.resource.spec;
  return {
    name: fullNameOf(config.resource),
    accessLog:
      accessLog === undefined
        ? defaults.accessLog
        : {
            target: accessLog.target,
            rules: (accessLog.rules ?? [{}]).map(({ statusMin = 0, durationMin, routes = [], sample = 100 }) => ({
              statusMin,
              durationMsMin: durationMs(durationMin, 0),
              routes,
              sample: sample / 100,
            })),
          },
    tracing: {
      otlpEndpoint: tracing?.otlpEndpoint ?? defaults.tracing.otlpEndpoint,
      sample: tracing?.sample === undefined ? defaults.tracing.sample : tracing.sample / 100,
    },
    admin: { ...defaults.admin, ...admin },
    drainDeadlineMs: durationMs(drain?.deadline, defaults.drainDeadlineMs),
    hopsMax: hopsMax ?? defaults.hopsMax,
  };
}
