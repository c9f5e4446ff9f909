package conformance
import ("testing";"os";"context";"fmt")
func TestZZ(t *testing.T){
 env,err:=RunningEnv(); if err!=nil{t.Fatal(err)}
 f,_:=ParseFilter(os.Getenv("ZZRUN"))
 v:=newVerifier(t); v.Target=v.Target.WithBTF(env.BTF)
 cs,err:=Cases(&CorpusObject{Name:"a",CPU:"v3",Path:os.Getenv("ZZ")},env,f)
 if err!=nil{t.Fatal(err)}
 for _,c:=range cs{
  if c.LinkErr!=nil{fmt.Println(c.Name(),c.LinkErr);continue}
  c.LogLevel=7; c.Expect.Messages=[]Pattern{{}}
  k:=askLive(t,c); s:=v.Ask(context.Background(),c)
  n,_:=processed(k.Log)
  fmt.Printf("%s\n  kernel %s %d %s\n  skep   %s %d %s\n",c.Program,k.Verdict(),n,k.Line(),s.Verdict,s.Processed,s.Line)
  if os.Getenv("ZZV")!=""{fmt.Printf("--- kernel\n%s--- skep\n%s",k.Log,s.Log)}
 }
}
