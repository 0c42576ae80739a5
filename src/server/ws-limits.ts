/** Bounds of one socket. */
export interface SocketLimits {
  readonly messageBytes: number;
  readonly operations: number;
  readonly messagesPerSecond: number;
  readonly messagesBurst: number;
  readonly unsentBytes: number;
  readonly initWaitMs: number;
  /** A peer silent from one heartbeat to the next is dropped. */
  readonly heartbeatMs: number;
}

/** The figures that are promised. */
export const defaultSocketLimits: SocketLimits = {
  messageBytes: 1_048_576,
  operations: 100,
  messagesPerSecond: 50,
  messagesBurst: 150,
  unsentBytes: 1_048_576,
  initWaitMs: 5_000,
  heartbeatMs: 12_000,
};
