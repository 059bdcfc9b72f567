import type { ResourceProblem, World } from "@weft/contract";
import { type DirectorySource, renderProblem } from "@weft/control/client";
import { type ChannelAddress, systemClock, type TcpHandle } from "@weft/kernel";
import type { AdminAddress } from "../admin/admin-address.ts";
import { EXIT_CODE, type ExitCode } from "../exit-code.ts";
import type { ProcessLog } from "../log.ts";
import { AdminHost } from "./admin-host.ts";
import { GenerationGiver } from "./generation-giver.ts";
import { type Predecessor, reasonOf } from "./generation-message.ts";
import { GenerationTaker } from "./generation-taker.ts";
import type { MoveReport } from "./hand-over-message.ts";
import type { ListenerAddress } from "./message.ts";
import { claimPorts } from "./port-guard.ts";
import { RoleAdmin, type RoleActions } from "./role-admin.ts";
import type { RoleHost } from "./role-host.ts";
import { Supervisor } from "./supervisor.ts";

/** What is needed to run a role until it is told to end. */
export interface RunOptions {
  readonly host: RoleHost;
  /** Read already, and without problems. */
  readonly source: DirectorySource;
  readonly world: World;
  readonly log: ProcessLog;
  /** Where the admin server listens, whatever the configuration says; null: where that says. */
  readonly admin: AdminAddress | null;
  /** Asked of actions on the admin server; "" for none. */
  readonly adminToken: string;
  /** Others may listen on the listeners' ports, each getting a part of the connections. */
  readonly sharesPorts: boolean;
}

/** Where a version serves. */
export interface Serving {
  readonly listeners: readonly ListenerAddress[];
  readonly admin: AdminAddress;
}

/** How a version asks for another one. */
export type UpgradeDesk = Pick<RoleActions, "upgrade" | "upgradeStatus">;

/**
 * One version of a role: its processes, its configuration, its admin server. It begins by itself or takes over from the
 * version before, and ends when it is told to or has handed over to the next.
 */
export class Generation {
  readonly #options: RunOptions;
  readonly #admin: AdminHost;
  readonly #roleAdmin: RoleAdmin;
  readonly #ended = Promise.withResolvers<ExitCode>();
  #isEnding: boolean = false;

  constructor(options: RunOptions, desk: UpgradeDesk) {
    const { host, source, log, adminToken } = options;
    this.#options = options;
    this.#roleAdmin = new RoleAdmin(host, source, log, {
      drain: () => this.drain("the admin server was asked to"),
      upgrade: (reason) => desk.upgrade(reason),
      upgradeStatus: () => desk.upgradeStatus(),
    });
    this.#admin = new AdminHost(this.#roleAdmin, log, adminToken);
  }

  /** Resolves when nothing of this version is left. */
  get end(): Promise<ExitCode> {
    return this.#ended.promise;
  }

  /** Begins by itself. @throws WeftError when a port is taken, or a listener or worker cannot start */
  async start(): Promise<Serving> {
    const { host, world, sharesPorts } = this.#options;
    const wanted = this.#adminWanted(world);
    const claim = await claimPorts([...(sharesPorts ? [] : world.listeners), { name: "admin", ...wanted }]);
    try {
      const listeners = await host.start(world);
      return { listeners, admin: await this.#serve(listeners, wanted, null) };
    } finally {
      claim.release();
    }
  }

  /**
   * Takes over from the version before. `onPrepared` is told where that is to connect to, as soon as this one could serve.
   *
   * @throws Error when it cannot; the version before carries on then
   */
  async succeed(predecessor: Predecessor, onPrepared: (address: ChannelAddress) => void): Promise<Serving> {
    const { host, world, sharesPorts } = this.#options;
    if (!(host instanceof Supervisor)) throw new Error("a single process cannot take over");
    const wanted = this.#adminWanted(world);
    const places = [...predecessor.places, predecessor.admin];
    const added = [...(sharesPorts ? [] : world.listeners), { name: "admin", ...wanted }].filter(
      (use) => !places.some((place) => isSamePlace(place, use)),
    );
    const claim = await claimPorts(added);
    try {
      await host.prepare(world, predecessor.chosenPorts);
      const taker = new GenerationTaker(host, (counts) => this.#roleAdmin.setPredecessorCounts(counts));
      onPrepared(taker.address);
      const { listeners, adminHandle } = await taker.inheritance;
      const stays = isSamePlace(wanted, predecessor.admin) || wanted.port === 0;
      if (!stays) adminHandle?.close();
      const admin = await this.#serve(listeners, stays ? predecessor.admin : wanted, stays ? adminHandle : null);
      return { listeners, admin };
    } finally {
      claim.release();
    }
  }

  /** What the next version must know. */
  describe(): Omit<Predecessor, "generation"> {
    const { host, world } = this.#options;
    const { listeners } = host.world ?? world;
    const places = listeners.map(({ address, port }) => ({ address, port }));
    const chosenPorts = host instanceof Supervisor ? host.chosenPorts : [];
    return { chosenPorts, places, admin: this.#admin.address ?? this.#adminWanted(world) };
  }

  /** Hands over to the version that waits there; then this one finishes what is open and ends. Rejects when it carries on. */
  async handOver(to: ChannelAddress): Promise<MoveReport> {
    const { host, source, log } = this.#options;
    if (!(host instanceof Supervisor)) throw new Error("a single process cannot be taken over from");
    const possessions = { supervisor: host, admin: this.#admin, counts: () => this.#roleAdmin.metrics() };
    const giver = new GenerationGiver(possessions, systemClock);
    const report = await giver.handOver(to);
    this.#isEnding = true;
    source.close();
    log.info("the next version is in charge; what is open here is finished", { ...report });
    giver.finish().then(
      () => this.#end(EXIT_CODE.done),
      (error: unknown) => this.#fail(error),
    );
    return report;
  }

  drain(reason: string): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const { host, log } = this.#options;
    log.info("draining", { reason });
    host.drain().then(
      () => this.#end(EXIT_CODE.done),
      (error: unknown) => this.#fail(error),
    );
  }

  kill(reason: string): void {
    this.#options.log.warn("ending at once", { reason });
    this.#options.host.kill();
    void this.#end(EXIT_CODE.failed);
  }

  reload(): void {
    const { host, source, log } = this.#options;
    log.info("reading the configuration anew and reopening log files", { reason: "SIGHUP" });
    void source.reload();
    host.askAll("reopen-logs", null).catch((error: unknown) => {
      log.error("cannot reopen log files; the open ones stay", { reason: reasonOf(error) });
    });
  }

  /** Ends what a failed start has left. */
  async abandon(): Promise<void> {
    const { host, source } = this.#options;
    host.kill();
    source.close();
    await this.#admin.close();
  }

  async #serve(
    listeners: readonly ListenerAddress[],
    wanted: AdminAddress,
    handle: TcpHandle | null,
  ): Promise<AdminAddress> {
    const { host, source, world, log, admin } = this.#options;
    for (const { name, address, port } of listeners) log.info("listening", { listener: name, address, port });
    const bound = await this.#admin.start(wanted, handle);
    source.worlds.subscribe((next) => {
      if (next === world) return;
      void host.apply(next, () => {
        if (admin === null) this.#admin.move(next.settings.admin);
      });
    });
    source.onProblem((problems) => logProblems(log, problems));
    return bound;
  }

  #adminWanted({ settings }: World): AdminAddress {
    const { address, port } = this.#options.admin ?? settings.admin;
    return { address, port };
  }

  async #end(code: ExitCode): Promise<void> {
    this.#options.source.close();
    await this.#admin.close();
    this.#ended.resolve(code);
  }

  #fail(error: unknown): void {
    this.#options.source.close();
    this.#ended.reject(error);
  }
}

function isSamePlace(one: AdminAddress, other: AdminAddress): boolean {
  return one.address === other.address && one.port === other.port;
}

function logProblems(log: ProcessLog, problems: readonly ResourceProblem[]): void {
  if (problems.length === 0) {
    log.info("the configuration on disk is right again");
    return;
  }
  log.error("the configuration on disk is wrong; what runs stays", { problems: problems.length });
  for (const problem of problems) log.error(renderProblem(problem));
}
