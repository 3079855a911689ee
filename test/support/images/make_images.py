"""Writes images.json: small pictures, and the SHA-256 of what Pillow 13 makes of them.

    python make_images.py
"""
from PIL import Image, ImageOps
import numpy as np, base64, json, io
rng=np.random.default_rng(7)
y,x=np.mgrid[:37,:53]
a=np.stack([(x*5)%256,(y*7)%256,((x//4+y//4)%2)*220],-1)
a=np.clip(a+rng.integers(-15,15,a.shape),0,255).astype(np.uint8)
im=Image.fromarray(a)
def b64(im,fmt,**kw):
    b=io.BytesIO(); im.save(b,fmt,**kw); return base64.b64encode(b.getvalue()).decode()
imgs={'jpeg-420':b64(im,'JPEG',quality=80,subsampling=2),'jpeg-progressive':b64(im,'JPEG',quality=90,progressive=True),'jpeg-grey':b64(im.convert('L'),'JPEG'),'png-rgb':b64(im,'PNG'),'png-grey':b64(im.convert('L'),'PNG'),'png-palette':b64(im.quantize(16),'PNG'),'png-bits':b64(im.convert('1'),'PNG'),'png-rgba-opaque':b64(im.convert('RGBA'),'PNG')}
bad={}
bad['cmyk']=b64(im.convert('CMYK'),'JPEG')
bad['png-16']=b64(Image.fromarray((a[...,0].astype(np.uint16)*257)),'PNG')
t=im.convert('RGBA'); t.putpixel((3,3),(1,2,3,0)); bad['png-transparent']=b64(t,'PNG')
full=base64.b64decode(imgs['jpeg-420']); bad['jpeg-truncated']=base64.b64encode(full[:len(full)//2]).decode()
full=base64.b64decode(imgs['png-rgb']); bad['png-truncated']=base64.b64encode(full[:len(full)//2]).decode()
bad['gif']=b64(im.quantize(8),'GIF'); bad['webp']=b64(im,'WEBP')
exif=Image.Exif(); 
turned={}
for o in range(1,9):
    e=Image.Exif(); e[0x0112]=o; turned[o]=b64(im,'JPEG',exif=e.tobytes(),quality=95,subsampling=0)
def dec(s): return Image.open(io.BytesIO(base64.b64decode(s)))
def sha(arr): 
    import hashlib; return hashlib.sha256(np.ascontiguousarray(arr).tobytes()).hexdigest()
out={'images':imgs,'refused':bad,'turned':turned,'decoded':{},'resized':[],'exif':{}}
for n,s in imgs.items(): out['decoded'][n]=sha(np.array(dec(s).convert('RGB')))
for o,s in turned.items(): out['exif'][o]=sha(np.array(ImageOps.exif_transpose(dec(s)).convert('RGB')))
for n in ['png-rgb']:
  for f,fn in [(Image.BILINEAR,'bilinear'),(Image.BICUBIC,'bicubic')]:
    for (w,h) in [(16,16),(53,20),(100,90),(7,37),(224,224),(1,1)]:
      out['resized'].append({'image':n,'interpolation':fn,'width':w,'height':h,'sha256':sha(np.array(dec(n and imgs[n]).convert('RGB').resize((w,h),f)))})
out['contain']=sha(np.array(ImageOps.pad(im,(32,32),Image.BILINEAR)))
def cover(im,short,w,h):
    W,H=im.size
    nw,nh=(short,int(short*H/W)) if W<=H else (int(short*W/H),short)
    r=im.resize((nw,nh),Image.BILINEAR); l=int(round((nw-w)/2.0)); t=int(round((nh-h)/2.0)); return r.crop((l,t,l+w,t+h))
out['cover']=sha(np.array(cover(im,24,21,21)))
out['grey']=sha(np.array(im.convert('L')))
c=np.array(cover(im,24,21,21))
v=((c.astype(np.float32)/np.float32(255))-np.array([.485,.456,.406],np.float32))/np.array([.229,.224,.225],np.float32)
out['normalized']=sha(v.transpose(2,0,1).astype('<f4'))
json.dump(out,open('images.json','w'))
