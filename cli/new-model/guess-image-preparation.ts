import type { Input } from "#model-folder/manifest/manifest.ts";
import type { MeasuredScore } from "./infer-gates.ts";
import { formatScore, type GuessByRun, isBetter, scoreAlternative } from "./score-alternative.ts";

/** Those of ImageNet's pictures, with which torchvision's and most of Hugging Face's models are trained. */
const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
type ImageInput = Extract<Input, { readonly type: "image" }>;
type Preparation = Partial<Pick<ImageInput, "resize" | "mean" | "std">>;

const formatPreparation = ({ resize, mean, std }: Preparation): string =>
  [
    ...(resize ? [`resize: ${resize}`] : []),
    ...(mean ? [`mean: [${mean.join(", ")}]`] : []),
    ...(std ? [`std: [${std.join(", ")}]`] : []),
  ].join(", ");

/** The usual other ways to make a graph's numbers of this image. */
const listPreparations = (input: ImageInput): readonly Preparation[] => {
  const normalize = input.scale === "1/255" && input.channels === "RGB" ? imageNet : undefined;
  const stretch = input.resize === "cover" ? ({ resize: "stretch" } as const) : undefined;
  return [
    ...(normalize ? [normalize] : []),
    ...(stretch ? [stretch] : []),
    ...(normalize && stretch ? [{ ...stretch, ...normalize }] : []),
  ];
};

/** No ONNX file says how its images were resized and scaled: the labels of the rows compare the usual ways. */
export const guessImagePreparation: GuessByRun = async (graph, run, [own], measure) => {
  const image = run.inputs.map(({ input }) => input).find((input) => input.type === "image");
  if (!image) return [];
  const preparations = listPreparations(image);
  let best: { readonly preparation: Preparation; readonly score: MeasuredScore } | undefined;
  for (const preparation of measure ? preparations : []) {
    const inputs = run.inputs.map((each) =>
      each.input === image ? { ...each, input: { ...image, ...preparation } } : each,
    );
    const score = measure && (await scoreAlternative(graph, { ...run, inputs }, measure));
    if (score && (!best || isBetter(score, best.score))) best = { preparation, score };
  }
  const example = preparations.at(-1) ?? imageNet;
  return [
    {
      subject: "image",
      choice: `resize: ${image.resize}${image.scale === undefined ? ", pixels as they are" : `, scale: ${image.scale}, no mean and std`} (${formatScore(own)})`,
      alternative: best
        ? `with ${formatPreparation(best.preparation)} it would be ${formatScore(best.score)}: if the model was trained so, --image "${formatPreparation(best.preparation)}"`
        : `if the model was trained with other images, --image, for example "${formatPreparation(example)}"`,
      isDoubtful: isBetter(best?.score, own),
    },
  ];
};
