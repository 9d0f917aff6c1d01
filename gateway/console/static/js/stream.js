// Whether the gateway is there: server-sent events with a heartbeat each second. Two seconds and a half of silence are a
// lost gateway, less where its stream has broken off; then a new stream is tried each second, and the first one that
// speaks says that it is back.

const SILENCE_MS = 2400, SILENCE_WHEN_BROKEN_MS = 1500;
const LOOK_MS = 250;
const RETRY_MS = 1000;

/** Follow the gateway's events. `handlers`: onNow(view), onState(counter, sameAs), onLost(), onBack(), onOver(why). */
export class Stream {
  constructor(handlers) {
    this.handlers = handlers;
    this.source = null;
    this.connected = false;
    this.lost = false;
    this.heardAt = performance.now();
    this.triedAt = -RETRY_MS;
    this.timer = null;
    this.gatewayAt = null; // the gateway's time when it was heard last
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
    const broken = this.source === null || this.source.readyState === EventSource.CLOSED;
    const silence = now - this.heardAt;
    if (silence > (broken ? SILENCE_WHEN_BROKEN_MS : SILENCE_MS)) this.lose();
    if ((broken || (silence > SILENCE_MS && now - this.triedAt > SILENCE_MS)) && now - this.triedAt > RETRY_MS) this.open();
  }

  open() {
    this.close();
    this.triedAt = performance.now();
    this.source = new EventSource("/api/events");
    this.source.addEventListener("heartbeat", (event) => this.hear(JSON.parse(event.data).at));
    this.source.addEventListener("now", (event) => {
      this.hear();
      this.handlers.onNow(JSON.parse(event.data));
    });
    this.source.addEventListener("state", (event) => {
      this.hear();
      const { counter, same_as: sameAs = null } = JSON.parse(event.data);
      this.handlers.onState(counter, sameAs);
    });
    this.source.addEventListener("over", (event) => {
      this.close();
      this.handlers.onOver(JSON.parse(event.data).why);
    });
    // the browser's own second try comes too late: ours does it
    this.source.onerror = () => this.close();
  }

  hear(gatewayAt = null) {
    this.heardAt = performance.now();
    const back = !this.connected;
    if (!back) this.gatewayAt = gatewayAt ?? this.gatewayAt;
    if (!back) return;
    this.connected = true;
    this.lost = false;
    this.handlers.onBack();
  }

  lose() {
    if (this.lost) return;
    this.connected = false;
    this.lost = true;
    this.handlers.onLost();
  }

  close() {
    this.source?.close();
    this.source = null;
  }
}
