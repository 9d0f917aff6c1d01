// Whether the gateway is there: server-sent events with a heartbeat each second. Two and a half seconds of silence are
// a lost gateway; from then on a new stream is tried each second, and the first one that speaks says so.

const SILENCE_MS = 2500;
const LOOK_MS = 250;
const RETRY_MS = 1000;

/** Follow the gateway's events. `handlers`: onState(counter), onLost(), onBack(), onOver(why). */
export class Stream {
  constructor(handlers) {
    this.handlers = handlers;
    this.source = null;
    this.connected = false;
    this.lost = false;
    this.heardAt = performance.now();
    this.triedAt = -RETRY_MS;
    this.timer = null;
  }

  start() {
    if (this.timer !== null) return;
    this.heardAt = performance.now();
    this.timer = setInterval(() => this.look(), LOOK_MS);
    this.look();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.close();
    this.connected = false;
  }

  look() {
    const now = performance.now();
    if (this.connected && now - this.heardAt > SILENCE_MS) this.lose();
    const dead = this.source === null || this.source.readyState === EventSource.CLOSED;
    const silent = now - this.triedAt > SILENCE_MS && now - this.heardAt > SILENCE_MS;
    if ((dead || silent) && now - this.triedAt > RETRY_MS) this.open();
    else if (!this.connected && now - this.heardAt > SILENCE_MS) this.lose();
  }

  open() {
    this.close();
    this.triedAt = performance.now();
    this.source = new EventSource("/api/events");
    this.source.addEventListener("heartbeat", () => this.hear());
    this.source.addEventListener("state", (event) => {
      this.hear();
      this.handlers.onState(Number(JSON.parse(event.data).counter));
    });
    this.source.addEventListener("over", (event) => {
      this.close();
      this.handlers.onOver(JSON.parse(event.data).why);
    });
    // the browser's own second try comes too late: ours does it
    this.source.onerror = () => this.close();
  }

  hear() {
    this.heardAt = performance.now();
    if (this.connected) return;
    this.connected = true;
    this.lost = false;
    this.handlers.onBack();
  }

  lose() {
    if (!this.connected && this.lost) return;
    this.connected = false;
    this.lost = true;
    this.handlers.onLost();
  }

  close() {
    this.source?.close();
    this.source = null;
  }
}
