// The face-api models from npm under Node.js, on TensorFlow.js with WebAssembly: SSD MobileNet and expressions.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const require = createRequire(path.join(process.cwd(), "package.json"));
const tf = require("@tensorflow/tfjs");
const wasm = require("@tensorflow/tfjs-backend-wasm");
const faceapi = require("@vladmandic/face-api/dist/face-api.node-wasm.js");
const { PNG } = require("pngjs");

const folder = process.argv[2];
const modules = path.join(process.cwd(), "node_modules");
wasm.setWasmPaths(path.join(modules, "@tensorflow/tfjs-backend-wasm/dist/"));
await tf.setBackend("wasm");
await tf.ready();
const models = path.join(modules, "@vladmandic/face-api/model");
await faceapi.nets.ssdMobilenetv1.loadFromDisk(models);
await faceapi.nets.faceExpressionNet.loadFromDisk(models);
const names = { fearful: "fear", disgusted: "disgust", surprised: "surprise" };

async function read(file) {
  const { width, height, data } = PNG.sync.read(fs.readFileSync(file));
  const image = tf.tidy(() => tf.tensor3d(data, [height, width, 4], "int32").slice([0, 0, 0], [-1, -1, 3]));
  const found = await faceapi.detectAllFaces(image).withFaceExpressions();
  tf.dispose(image);
  return found.map(({ detection, expressions }) => {
    const { left, top, right, bottom } = detection.box;
    const best = expressions.asSortedArray()[0].expression;
    return [[left, top, right, bottom], names[best] ?? best];
  });
}

const files = fs.readdirSync(folder).filter((name) => name.endsWith(".png")).sort();
await read(path.join(folder, files[0]));
for (const file of files) {
  const begin = performance.now();
  const faces = await read(path.join(folder, file));
  console.log("RESULT", JSON.stringify({ file, seconds: (performance.now() - begin) / 1000, faces }));
}
console.log("RESULT", JSON.stringify({ peak_mb: process.resourceUsage().maxRSS / 1024 }));
