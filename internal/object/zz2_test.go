package object
import ("testing";"os";"strings")
func TestOne(t *testing.T){ for _,d:=range readDump(t){ if !strings.HasSuffix(d.path,os.Getenv("O")) {continue}; o,err:=Open(d.path); if err!=nil {t.Fatal(err)}; l,_:=o.Link(nil,&LinkOptions{Programs: []string{os.Getenv("P")}}); for _,x:=range ours(l.Programs[0]) {if x[0]!='I'{t.Log(x)}}; for _,x:=range d.progs[os.Getenv("P")] {if x[0]!='I'{t.Log("   ",x)}} }}
