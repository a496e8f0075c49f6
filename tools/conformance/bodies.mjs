// Full bodies for the operations that make a task and are none of the thirteen kinds.

const PNG = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA'
const MP4 = 'data:video/mp4;base64,AAAAGGZ0eXBtcDQyAAAAAG1wNDJpc29t'
const MP3 = 'data:audio/mpeg;base64,SUQzBAAAAAAAAAAA'
const picture = { uri: PNG }
const contentModeration = { publicFigureThreshold: 'low' }
const version = 'unsafe-latest'
const shots = ['one', 'two', 'three'].map((prompt) => ({ prompt, duration: 5 }))
const common = { version, firstFrame: picture, ratio: '960:960', duration: 15, audio: false }

/** By path under /v1/; what follows a # tells apart the bodies of one path. */
export const BODIES = {
  'recipes/ad_localization': { version, referenceImage: picture, targetLanguage: 'de' },
  'recipes/marketing_stock_image': {
    version, prompt: 'a mug', referenceImage: picture, outputCount: 2, quality: 'low',
  },
  'recipes/product_ad': {
    version, productImages: [picture], styleImages: [picture], productInfo: 'a mug', audio: true,
    userConcept: 'steam', ratio: '960:960', duration: 15,
  },
  'recipes/product_campaign_image': { version, image: picture, prompt: 'a mug' },
  'recipes/product_swap': {
    version, referenceVideo: { uri: MP4 }, originalProductImage: picture, resolution: '1080p',
    newProductImages: [{ uri: PNG, view: 'side' }], duration: 15, audio: false,
  },
  'recipes/multi_shot_video': { mode: 'auto', prompt: 'a mug', ...common },
  'recipes/multi_shot_video#custom': { mode: 'custom', shots, ...common },
  'recipes/product_ugc': {
    version, characterImage: picture, productImage: picture, productInfo: 'a mug', duration: 15,
    userConcept: 'steam', ratio: '720:1280', audio: false,
  },
  'generate/video': {
    configId: 'best', input: {
      promptText: 'fog', negativePrompt: 'people', duration: 30, aspectRatio: '16:9',
      referenceImages: [{ uri: PNG, role: 'first' }], referenceAudio: [{ uri: MP3 }], audio: true,
      referenceVideos: [{ uri: MP4, role: 'source' }], resolution: '4k', seed: 42,
      contentModeration,
      keyframes: [{ uri: PNG, at: 0.5, range: { start_seconds: 1, end_seconds: 3 } }],
    },
  },
  'generate/image': {
    configId: 'best', input: {
      promptText: 'fog', referenceImages: [picture], aspectRatio: '16:9', resolution: '2k',
      seed: 42, outputCount: 10, contentModeration,
    },
  },
  'generate/audio': {
    configId: 'best', input: {
      type: 'speech', promptText: 'fog', voice: { type: 'preset', presetId: 'Leslie' }, loop: true,
      referenceAudios: [{ uri: MP3 }], duration: 0.5,
    },
  },
}

/** What a run of a workflow may be given. */
export const NODE_OUTPUTS = {
  '0b6c2f6e-9d41-4d5a-8a37-2f1f4c3b7e55': {
    text: { type: 'primitive', value: 'fog' }, image: { type: 'image', uri: PNG },
    video: { type: 'video', uri: MP4 }, audio: { type: 'audio', uri: MP3 },
  },
}
