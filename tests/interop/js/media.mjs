// Alice sends a picture of herself, and shows herself by it; Bob sees it, whole and small.

import { deflateSync } from "node:zlib";
import { dialogue, must, same } from "./people.mjs";

const [WIDTH, HEIGHT] = [400, 200];

// PNG (third edition), 5: a length, a type, what there is of it and a check of both.
function chunk(type, data) {
  const whole = Buffer.concat([Buffer.from(type), data]);
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32BE(data.length, 0);
  sizes.writeUInt32BE(crc(whole), 4);
  return Buffer.concat([sizes.subarray(0, 4), whole, sizes.subarray(4)]);
}

function crc(data) {
  let rest = 0xffffffff;
  for (const byte of data) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  }
  return (rest ^ 0xffffffff) >>> 0;
}

function picture() {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(WIDTH, 0);
  head.writeUInt32BE(HEIGHT, 4);
  head.set([8, 2], 8); // Eight bits of red, green and blue.
  const row = Buffer.alloc(1 + 3 * WIDTH, 200);
  row[0] = 0;
  const rows = deflateSync(Buffer.concat(Array(HEIGHT).fill(row)));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk("IHDR", head),
    chunk("IDAT", rows),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

const sizeOf = (png) => [png.readUInt32BE(16), png.readUInt32BE(20)];

// As Element's service worker does it: with the token in the header.
async function fetched(person, uri, ...size) {
  const url = person.client.mxcUrlToHttp(uri, ...size, false, true, true);
  must(url?.includes("/_matrix/client/v1/media/"), `a URL of authenticated media: ${url}`);
  const headers = { Authorization: `Bearer ${person.client.getAccessToken()}` };
  const answer = await fetch(url, { headers });
  same(answer.status, 200, `the status of ${url}`);
  return [Buffer.from(await answer.arrayBuffer()), answer.headers];
}

dialogue("media", async (alice, bob) => {
  must(await bob.client.isVersionSupported("v1.11"), "media is authenticated");
  const limits = await bob.client.getMediaConfig(true);
  must(limits["m.upload.size"] > 1 << 20, `what may be uploaded: ${JSON.stringify(limits)}`);
  const roomId = await alice.makes({ preset: "public_chat" });
  await bob.joins(roomId);

  const png = picture();
  const options = { name: "ich & du.png", type: "image/png" };
  const { content_uri: uri } = await alice.client.uploadContent(png, options);
  const content = { msgtype: "m.image", body: "ich & du.png", url: uri };
  await alice.client.sendMessage(roomId, content);
  const images = () =>
    bob
      .room(roomId)
      .getLiveTimeline()
      .getEvents()
      .filter((event) => event.getContent().msgtype === "m.image");
  await bob.sees("the picture", () => images().length === 1);
  const told = images()[0].getContent().url;

  const [whole, headers] = await fetched(bob, told, undefined, undefined, undefined);
  must(whole.equals(png), "the picture is as it was sent");
  same(headers.get("content-type"), "image/png", "its type");
  must(headers.get("content-disposition").startsWith("inline"), "it may be shown");
  const [small] = await fetched(bob, told, 96, 96, "crop");
  same(sizeOf(small), [96, 96], "the size of a cropped thumbnail");
  const [scaled] = await fetched(bob, told, 320, 240, "scale");
  same(sizeOf(scaled)[0] / sizeOf(scaled)[1], WIDTH / HEIGHT, "what a scaled one looks like");

  await alice.client.setAvatarUrl(uri);
  await bob.sees("Alice", () => bob.room(roomId).getMember(alice.userId)?.getMxcAvatarUrl() === uri);

  const bare = bob.client.mxcUrlToHttp(told, undefined, undefined, undefined, false, true, true);
  same((await fetch(bare)).status, 401, "who does not say who they are");
  const old = bob.client.mxcUrlToHttp(told);
  same((await fetch(old)).status, 404, "by the old way, which asks nobody who they are");
});
