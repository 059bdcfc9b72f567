import type { ClusterConfig, World } from "@weft/contract";
import { WeftError } from "@weft/kernel";
import type { ControlErrorCode } from "../errors.ts";
import { type Finding, FindingLog, type LoadedResource } from "../load/finding.ts";
import { compareText, renderPath } from "../load/problems.ts";
import type { Attachments } from "./certificate-files.ts";
import { useTarget } from "./backends.ts";
import { compileCluster } from "./clusters.ts";
import type { Compilation } from "./compilation.ts";
import { WORLD_DEFAULTS, type WorldDefaults } from "./defaults.ts";
import { compileGateways } from "./gateway-listeners.ts";
import { compileMesh } from "./mesh.ts";
import { checkPorts } from "./ports.ts";
import { PolicyIndex } from "./policies.ts";
import { ResourceIndex } from "./resource-index.ts";
import { compileRules } from "./route-rules.ts";
import { compileSettings, findProxyConfig } from "./settings.ts";
import { compileStreamBackends } from "./stream-routes.ts";

/** Resources that fit their schemas, with the files that they refer to. */
export interface ResourceSet {
  readonly resources: readonly LoadedResource[];
  /** Of Certificates: see `attachmentPaths`. */
  readonly attachments: Attachments;
}

/** A world, or what keeps it from being one. */
export interface CompileOutcome {
  /** Complete only where there are no findings. */
  readonly world: World;
  readonly findings: readonly Finding[];
  /** Routes by listener ("namespace/gateway/listener"). */
  readonly attachedRoutes: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Compiles resources and finds everything that is wrong between them. The result depends on the resources alone, not
 * on the order of files or documents.
 */
export function compileResources(
  { resources, attachments }: ResourceSet,
  defaults: WorldDefaults = WORLD_DEFAULTS,
  revision: number = 1,
): CompileOutcome {
  const log = new FindingLog();
  const index = new ResourceIndex(resources, log);
  const policies = new PolicyIndex(index, log);
  const compilation: Compilation = {
    index,
    policies,
    attachments,
    defaults,
    log,
    used: new Map(),
    certificates: new Map(),
    authorities: new Map(),
    attachedRoutes: new Map(),
  };
  const config = findProxyConfig(compilation);
  const gateways = compileGateways(compilation, config);
  const mesh = compileMesh(compilation, config);
  const settings = compileSettings(defaults.settings, config);
  checkPorts(compilation, config, gateways.listeners, mesh.listeners, settings);
  checkUnused(compilation);
  const zone = config?.resource.spec.zone ?? "";
  const clusters = [...compilation.used.values()].map((target) => compileCluster(compilation, target, zone));
  const world: World = {
    revision,
    settings,
    listeners: [...gateways.listeners, ...mesh.listeners],
    routeTables: [...gateways.routeTables, ...mesh.routeTables],
    clusters: [...clusters, ...mesh.clusters].sort(byName),
  };
  return { world, findings: log.findings(), attachedRoutes: compilation.attachedRoutes };
}

function byName(left: ClusterConfig, right: ClusterConfig): number {
  return compareText(left.name, right.name);
}

/** Compiles what nothing uses, too: what is wrong with it is found before it matters. */
function checkUnused(compilation: Compilation): void {
  const { index } = compilation;
  const apart = { ...compilation, used: new Map() };
  for (const route of [...index.all("HTTPRoute"), ...index.all("GRPCRoute"), ...index.all("RpcRoute")])
    compileRules(apart, route, []);
  for (const route of [...index.all("TLSRoute"), ...index.all("TCPRoute")]) compileStreamBackends(apart, route);
  for (const service of index.all("Service")) {
    for (const port of service.resource.spec.ports) compileCluster(apart, useTarget(apart.used, service, port), "");
  }
}

/**
 * Compiles resources that are known to be right.
 *
 * @throws WeftError CONTROL_INVALID_RESOURCES if they are not
 */
export function compileWorld(set: ResourceSet, defaults: WorldDefaults, revision: number): World {
  const { world, findings } = compileResources(set, defaults, revision);
  if (findings.length === 0) return world;
  const lines = findings.map(({ source, path, expected }) => {
    const { file, kind, namespace, name } = source;
    return `${file}: ${kind} ${namespace}/${name} ${renderPath(path)} — expected ${expected}`;
  });
  throw new WeftError<ControlErrorCode>(
    "CONTROL_INVALID_RESOURCES",
    `Cannot compile resources: ${lines.length} of their fields are wrong:\n${lines.join("\n")}`,
  );
}
